import { describe, expect, it } from 'vitest';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { describe as describeRequest, parseRequestWords } from '../../../src/bpmp/wire/index.js';

function parsed(line: string): string {
  const { mrq, tx } = parseRequestWords(line.split(' '), tegra234);
  return describeRequest(mrq, tx, tegra234);
}

describe('parseRequestWords', () => {
  it.each([
    ['clk enable GPUSYS', 'CLK ENABLE GPUSYS (304)'],
    ['CLK enable 304', 'CLK ENABLE GPUSYS (304)'],
    ['clk enable clock=gpusys', 'CLK ENABLE GPUSYS (304)'],
    ['clk set-rate GPC0CLK 1.3GHz', 'CLK SET_RATE GPC0CLK 1.3 GHz'],
    ['clk set_rate rate=408MHz clock=VIC', 'CLK SET_RATE VIC 408 MHz'],
    ['clk set-rate 41 0x10', 'CLK SET_RATE GPC0CLK 16 Hz'],
    ['clk set-parent VIC OSC', 'CLK SET_PARENT VIC OSC'],
    ['clk get-max-clk-id', 'CLK GET_MAX_CLK_ID'],
    ['reset deassert GPU', 'RESET DEASSERT GPU (19)'],
    ['pg set-state GPU on', 'PG SET_STATE GPU ON'],
    ['pg get-state 35', 'PG GET_STATE GPU (35)'],
    ['ping 1234', 'PING challenge=1234'],
    ['query-abi CLK', 'QUERY_ABI CLK (22)'],
    ['mrq_query_abi 75', 'QUERY_ABI DEBUG (75)'],
    ['debug open-ro clk/gpusys/rate', 'DEBUG OPEN_RO "clk/gpusys/rate"'],
    ['debug open-ro a=b', 'DEBUG OPEN_RO "a=b"'],
    ['debug write 1 on', 'DEBUG WRITE fd=1 "on"'],
    ['thermal get-temp 0', 'THERMAL GET_TEMP zone=0'],
    [
      'thermal set-trip 0 low=-5C high=100C enabled=1',
      'THERMAL SET_TRIP zone=0 low=-5 °C high=100 °C enabled=1',
    ],
    [
      'bwmgr calc-rate 500 1:500,2:300',
      'BWMGR CALC_RATE sum_niso_bw=500 kB/s isobw_reqs=[{id=1,iso_bwKBps=500},{id=2,iso_bwKBps=300}]',
    ],
    ['i2c xfer 5 00aa', 'I2C XFER bus_id=5 data_buf=00aa'],
  ])('%s', (line, meaning) => {
    expect(parsed(line)).toBe(meaning);
  });

  it.each([
    ['', 'unknown MRQ'],
    ['clck enable GPUSYS', 'unknown MRQ clck: did you mean CLK?'],
    ['clk enble GPUSYS', 'unknown command enble of CLK: did you mean ENABLE?'],
    ['clk', 'CLK needs a command'],
    ['clk enable GPUSY', 'unknown clock GPUSY: did you mean GPUSYS?'],
    ['reset assert GPUU', 'unknown reset GPUU: did you mean GPU?'],
    ['pg get-state NVJPG', 'unknown power domain NVJPG: did you mean NVJPGA?'],
    ['clk enable', 'CLK ENABLE needs clock: CLK ENABLE clock'],
    ['clk enable VIC GPUSYS', '"GPUSYS" is one word too many: CLK ENABLE clock'],
    ['clk set-rate VIC fast', 'rateHz must be a whole number'],
    ['clk set-rate VIC rat=1', 'CLK SET_RATE has no field rat: did you mean rate?'],
    ['pg set-state GPU maybe', 'state must be one of OFF, ON, RUNNING'],
    ['clk set-rate GPUSYS fast', 'or a rate such as 1.3GHz, not "fast"'],
    ['ping 4294967296', 'challenge must be a whole number from 0 to 4294967295'],
    ['bwmgr calc-rate 500 1', 'isobw_reqs[0] must be an object with id, iso_bwKBps'],
    ['i2c xfer 5 0', 'data_buf must be hexadecimal digits'],
  ])('refuses "%s" and says which word is wrong', (line, message) => {
    expect(() => parseRequestWords(line.split(' '), tegra234)).toThrow(
      expect.objectContaining({ code: 'GPUVM_REQUEST', message: expect.stringContaining(message) }),
    );
  });

  it('wants numbers where no chip’s names are known', () => {
    expect(parseRequestWords(['clk', 'enable', '304']).mrq).toBe(22);
    expect(() => parseRequestWords(['clk', 'enable', 'GPUSYS'])).toThrow('give it by number');
    expect(() => parseRequestWords([])).toThrow('a request needs an MRQ');
  });
});
