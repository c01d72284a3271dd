import type { HostDeviceStats } from '../../../../src/bpmp/backend/index.js';
import { Mrq } from '../../../../src/bpmp/wire/index.js';
import { type Answer, ask, forms, modes, using } from './host-device-client.js';
import { frameCases } from './host-device-frames.js';
import { device } from './host-device-module.js';
import { timeCases } from './host-device-time.js';
import { gpuvm, run } from './processes.js';
import { shared } from './report.js';

const NOBODY = 65534;
/** What both kinds of backend get from each kind of driver, and which calls the driver saw. */
async function bothForms() {
  const seen: Record<string, { answers: Answer[]; stats: HostDeviceStats; calls: string[] }> = {};
  for (const offered of ['write', 'ioctl', 'both'] as const) {
    for (const mode of modes) {
      device.set('forms', offered);
      device.clearLog();
      seen[`${offered}, ${mode}`] = await using(mode, async (backend) => {
        const answers = [
          await ask(backend, 'ping 21'),
          await ask(backend, 'clk get-max-clk-id'),
          await ask(backend, 'pg get-name GPU'),
          await ask(backend, 'clk enable 13'),
        ];
        return { answers, stats: backend.stats(), calls: device.log().map(({ form }) => form) };
      });
    }
  }
  return seen;
}

/** A driver that learns ioctls later is not asked again whether it has them. */
async function ioctlDropped() {
  const seen: Record<string, { before: Answer; after: Answer; stats: HostDeviceStats; calls: string[] }> = {};
  for (const mode of modes) {
    device.set('forms', 'write');
    device.clearLog();
    seen[mode] = await using(mode, async (backend) => {
      const before = await ask(backend, 'ping 1');
      device.set('forms', 'ioctl');
      const after = await ask(backend, 'ping 1');
      return { before, after, stats: backend.stats(), calls: device.log().map(({ form }) => form) };
    });
  }
  return seen;
}

/** Each mistake that gpuvm never makes: what the module answers, as the published driver does. */
async function mistakes() {
  const seen: Record<string, Record<string, number>> = {};
  for (const form of forms) {
    device.set('forms', form);
    const { stdout, stderr } = await run(`${shared}/bin/host-device-probe`, [form]);
    seen[form] = stdout === '' ? { [stderr]: 0 } : JSON.parse(stdout);
  }
  return seen;
}

/** What the errno is for, and how it is come by. */
const refusals: Readonly<
  Record<string, { set: () => void; request?: readonly [number, Uint8Array]; room?: number }>
> = {
  EPERM: { set: () => device.set('allow', 'clk 304\nreset 19\npg 35') },
  ENODEV: { set: () => device.set('presence', 'no-bpmp') },
  EINVAL: { set: () => {}, request: [Mrq.PING, new Uint8Array(121)] },
  EOVERFLOW: {
    set: () => device.set('sizes', 'reply'),
    request: [Mrq.QUERY_FW_TAG, new Uint8Array(0)],
    room: 8,
  },
  EFAULT: { set: () => device.set('fail', '1 14') },
  EIO: { set: () => device.set('fail', '1 5') },
  EAGAIN: { set: () => device.set('fail', '1 11') },
  ENOMEM: { set: () => device.set('fail', '1 12') },
  EBUSY: { set: () => device.set('fail', '1 16') },
  ETIMEDOUT: { set: () => device.set('fail', '1 110') },
};

async function errnos() {
  const seen: Record<
    string,
    Record<
      string,
      {
        answer: Answer;
        errors: object;
        logged: number | undefined;
        refusal: string | undefined;
        next: Answer;
      }
    >
  > = {};
  for (const form of forms) {
    seen[form] = {};
    for (const [name, { set, request, room }] of Object.entries(refusals)) {
      for (const mode of modes) {
        device.reset();
        device.set('forms', form);
        seen[form][`${name}, ${mode}`] = await using(mode, async (backend) => {
          set();
          const refused = request ?? ([Mrq.CLK, Buffer.from('a7000007', 'hex')] as const);
          const answer = await ask(backend, refused, room);
          const logged = device.log().at(-1)?.errno;
          const { errors } = backend.stats();
          const refusal = backend.refusal();
          device.reset();
          device.set('forms', form);
          return { answer, errors, logged, refusal, next: await ask(backend, 'ping 3') };
        });
      }
    }
  }
  return seen;
}

/** What people read. */
async function send() {
  const say = async (words: string, set = () => {}, more: readonly string[] = []) => {
    device.reset();
    set();
    const { status, stdout, stderr } = await gpuvm(['bpmp', 'send', ...more, ...words.split(' ')]);
    return { status, stdout, stderr };
  };
  return {
    firmware: await say('clk enable 13'),
    EPERM: await say('clk enable VIC', () => device.set('allow', 'clk 304'), ['--json']),
    short: await say('ping 1', () => device.set('written', '24')),
    'no-device': await say('ping 1', () => device.set('presence', 'no-device')),
  };
}

async function unprivileged() {
  const { status, stdout, stderr } = await gpuvm(['bpmp', 'send', 'ping', '1'], { uid: NOBODY });
  return { status, stdout, stderr, log: device.log() };
}

export const hostDeviceCases = {
  forms: bothForms,
  'ioctl-dropped': ioctlDropped,
  mistakes,
  errnos,
  send,
  unprivileged,
  ...timeCases,
  ...frameCases,
};
