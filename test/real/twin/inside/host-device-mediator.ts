import { existsSync, readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { device } from './host-device-module.js';
import { MediatedVm } from './host-device-vm.js';
import { type Ended, gpuvm } from './processes.js';

/** Changes that a GPU's driver makes, and that the policy lets it make. */
const OWN = [
  'pg set-state GPU on',
  'clk enable GPUSYS',
  'clk set-rate GPC0CLK 600000000',
  'clk enable GPC0CLK',
  'reset deassert GPU',
  'clk set-parent NVDEC PLLP_OUT0',
];

/** What becomes of a request: it reaches the module, or somebody answers in its place. */
const DECIDED = [
  'ping 21',
  ...OWN,
  'clk disable OSC',
  'clk set-rate GPC0CLK 2000000000',
  'clk enable VIC',
  'reset assert VIC',
  'pg set-state VIC on',
  'strap set 1 1',
  // CLK, cut short; an MRQ that there is none of.
  '22 3001',
  '4660 00000000',
];

interface Report {
  readonly ending: string;
  readonly totals: unknown;
  readonly release?: unknown;
  readonly requests?: unknown;
  readonly lastDecisions?: unknown;
}

const reportOf = ({ stdout }: Ended): Report => JSON.parse(stdout) as Report;

/** What the module was asked to change. */
const changes = () =>
  device
    .log()
    .filter(
      ({ mrq, tx }) =>
        (mrq === 22 && /^.{6}0[2578]/.test(tx)) ||
        (mrq === 20 && /^0[123]/.test(tx)) ||
        (mrq === 66 && /^01/.test(tx)) ||
        ![0, 20, 22, 66, 23, 71].includes(mrq),
    )
    .map(({ mrq, tx }) => `${mrq} ${tx}`);

async function decided() {
  const before = device.state();
  const vm = new MediatedVm({ name: 'decided', requests: DECIDED });
  const answers = await vm.answers();
  await vm.running();
  const during = device.state();
  const asked = changes();
  device.clearLog();
  const ended = await vm.stop();
  return {
    requests: DECIDED,
    answers,
    asked,
    before,
    during,
    released: changes(),
    after: device.state(),
    status: ended.status,
    report: reportOf(ended),
    stderr: ended.stderr,
  };
}

/**
 * A guest that asks as fast as it can, and more than it may: some of it is answered without the module. The firmware takes its
 * time for the rest, and the supervisor is asked meanwhile.
 */
async function limited() {
  const vm = new MediatedVm({
    name: 'limited',
    loop: 200,
    limit: '{ perSecond: 1, burst: 20, exceeded: deny }',
  });
  await vm.running();
  device.set('delay_us', '5000000');
  device.clearLog();
  vm.go();
  await vm.until('a request is under way', () => device.openers().length > 0);
  const { status, stderr } = await gpuvm(['status', 'limited', '--json']);
  const meanwhile = device.log().length;
  device.set('delay_us', '0');
  const [tally] = await vm.answers<{ transfers: number; denied: number }>();
  const reached = device.log().filter(({ tx }) => tx === '30010001').length;
  const ended = await vm.stop();
  return {
    asked: { status, stderr },
    meanwhile,
    tally: tally!,
    reached,
    status: ended.status,
    report: reportOf(ended),
  };
}

/** The supervisor is gone before it can give back, and so is the QEMU. */
async function killedSupervisor(name: string) {
  const before = device.state();
  const vm = new MediatedVm({ name, requests: OWN });
  await vm.answers();
  await vm.running();
  const qemu = await vm.qemu();
  vm.child.kill('SIGKILL');
  await vm.ended;
  for (let tries = 0; tries < 500 && isAlive(qemu); tries++) await setTimeout(20);
  const outlived = isAlive(qemu);
  if (outlived) process.kill(qemu, 'SIGKILL');
  while (isAlive(qemu)) await setTimeout(20);
  return { before, during: device.state(), outlived };
}

/** The driver does not take at first what gives back. */
async function supervisorKilled() {
  const killed = await killedSupervisor('supervisor-killed');
  device.set('allow', 'reset 19');
  const refused = await gpuvm(['recover']);
  const afterRefusal = device.state();
  const kept = ledgers();
  device.set('allow', '*');
  const recovered = await gpuvm(['recover', '--json']);
  return { ...killed, refused, afterRefusal, kept, recovered, after: device.state(), ledgers: ledgers() };
}

const ledgers = () => {
  const folder = '/run/gpuvm/ledgers';
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => name.endsWith('/ledger'))
    : [];
};

/** The VM is started again; and then its QEMU is killed. */
async function nextStart() {
  const killed = await killedSupervisor('next-start');
  const look = ['clk is-enabled GPUSYS', 'pg get-state GPU'];
  const vm = new MediatedVm({ name: 'next-start', requests: [...look, ...OWN] });
  const answers = await vm.answers();
  await vm.running();
  const again = device.state();
  process.kill(await vm.qemu(), 'SIGKILL');
  const ended = await vm.ended;
  return {
    ...killed,
    found: answers.slice(0, look.length),
    again,
    after: device.state(),
    status: ended.status,
    report: reportOf(ended),
    stderr: ended.stderr,
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export const mediatorCases = {
  decided,
  limited,
  'supervisor-killed': supervisorKilled,
  'next-start': nextStart,
};
