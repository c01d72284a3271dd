import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/index.js';
import { GpuvmError } from '../../src/errors.js';
import { FakeVm } from './fake-vm.js';
import { ask } from './raw.js';
import { Sandbox } from './sandbox.js';

const PLACE = 'POST /v1/bpmp/requests';
const NDJSON = { 'content-type': 'application/x-ndjson' };
const line = (mrq: number, tx: string) => `{"mrq":${mrq},"tx":"${tx}"}\n`;

let sandbox: Sandbox;
let vm: FakeVm;
let path: string;

beforeEach(async () => {
  sandbox = new Sandbox();
  vm = new FakeVm();
  vm.bpmpRequest = async (mrq, tx) => ({ ret: -mrq, rx: tx, verdict: 'allow', rule: `p.yaml:${mrq}` });
  path = (await sandbox.serve(vm)).path;
});
afterEach(() => sandbox.clear());

describe('requests to the BPMP of a VM', () => {
  it('are answered line by line, in order', async () => {
    const { status, headers, text } = await ask(
      path,
      PLACE,
      `${line(22, '30010007')}\n${line(1, '')}`,
      NDJSON,
    );
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: NDJSON['content-type'] });
    expect(text).toContain('{"ret":-22,"rx":"30010007","verdict":"allow","rule":"p.yaml:22"}\n');
    expect(text).toContain('{"ret":-1,"rx":"","verdict":"allow","rule":"p.yaml:1"}\n');
  });

  it.each([
    ['', 400, 'the body has no request: a line is {"mrq":22,"tx":"30010007"}'],
    ['{', 400, 'line 1: not JSON'],
    ['[]', 400, 'line 1: must be {"mrq":22,"tx":"30010007"} and no more'],
    ['null', 400, 'line 1: mrq must be a number below 2^32'],
    [`${line(22, '')}{"mrq":-1}`, 400, 'line 2: mrq must be a number below 2^32'],
    ['{"mrq":4294967296}', 400, 'line 1: mrq must be a number below 2^32'],
    ['{"mrq":1,"tx":"0"}', 400, 'line 1: tx must be pairs of hexadecimal digits'],
    ['{"mrq":1,"tx":7}', 400, 'line 1: tx must be pairs of hexadecimal digits'],
    ['{"mrq":1,"rx":""}', 400, 'line 1: must be {"mrq":22,"tx":"30010007"} and no more'],
    [`{"mrq":1,"tx":"${'00'.repeat(513)}"}`, 400, 'line 1: tx is longer than 512 bytes'],
    [`${'x'.repeat(1024 * 1024 + 1)}`, 413, 'the body is longer than 1048576 bytes'],
  ])('%.30j is refused, and nothing is asked', async (body, status, message) => {
    let asked = 0;
    vm.bpmpRequest = async () => {
      asked++;
      throw new Error('asked');
    };
    const answer = await ask(path, PLACE, body, NDJSON);
    expect(answer.status).toBe(status);
    expect(answer.json.error?.message).toContain(message);
    expect(asked).toBe(0);
  });

  it('are NDJSON, and take no parameters', async () => {
    expect(await ask(path, PLACE, line(0, ''))).toMatchObject({ status: 415 });
    expect(await ask(path, `${PLACE}?x=1`, line(0, ''), NDJSON)).toMatchObject({ status: 400 });
    expect(await ask(path, 'GET /v1/bpmp/requests')).toMatchObject({ status: 405 });
  });

  it('are refused where there is no bridge, and where it goes in the middle', async () => {
    const gone = () =>
      Promise.reject(new GpuvmError('GPUVM_VM_STATE', 'orin cannot be asked: it is stopping'));
    let asked = 0;
    vm.bpmpRequest = async (_mrq, tx) =>
      ++asked > 2 ? gone() : { ret: 0, rx: tx, verdict: 'allow', rule: 'x' };
    const client = new ControlClient({ path });
    const rets: number[] = [];
    const asking = async () => {
      const requests = [1, 2, 3, 4].map((mrq) => ({ mrq, tx: Uint8Array.of(mrq), more: 1n }));
      for await (const { ret, rx } of client.bpmpRequests(requests)) rets.push(ret + rx[0]!);
    };
    await expect(asking()).rejects.toMatchObject({
      code: 'GPUVM_VM_STATE',
      message: 'orin cannot be asked: it is stopping',
    });
    expect(rets).toEqual([1, 2]);
    vm.bpmpRequest = gone;
    expect(await ask(path, PLACE, line(0, ''), NDJSON)).toMatchObject({ status: 409 });
    delete vm.bpmpRequest;
    expect(await ask(path, PLACE, line(0, ''), NDJSON)).toMatchObject({ status: 404 });
  });
});
