import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { CaptureWriter, type TransferRecord, transferBlock } from '../src/bpmp/capture/index.js';
import { loadPolicy } from '../src/bpmp/policy/index.js';
import { classify, newShape } from '../src/bpmp/wire/index.js';

/**
 * Captures of any length, made as they are read: what Linux guests asked at boot and after, over and over, of several VMs,
 * decided by the example's policy, with an attacker among them who tries the host's clocks and resets.
 */

const VMS = ['orin', 'left', 'right'] as const;
/** Of so many templates one is the attacker's. */
const ATTACKS_APART = 20;
const CHUNK = 256 * 1024;
const START_NS = 1_795_000_000_000_000_000n;
/** Where in a block of ours its time, its packet's sequence and latency are. */
const [TIME_HIGH, TIME_LOW, SEQUENCE, LATENCY] = [12, 16, 28 + 16, 28 + 24];
/** Behind the packet: flags' head and value, then the head of the packet's number. */
const NUMBER_BEFORE_END = 4 + 4 + 8;

export async function templates(): Promise<readonly TransferRecord[]> {
  const policy = (
    await loadPolicy(new URL('../examples/policies/gpu.yaml', import.meta.url).pathname)
  ).compile();
  const shape = newShape();
  const decided = ({ mrq, tx, rx, ret }: Asked, index: number): TransferRecord => {
    const decision = policy.decide(classify(mrq, tx, shape), tx);
    const isForwarded = decision.verdict === 'allow';
    return {
      sequence: index,
      vm: VMS[index % VMS.length],
      timeNs: START_NS,
      mrq,
      tx,
      verdict: decision.verdict,
      hidden: (decision.verdict === 'deny' && decision.hidden) || undefined,
      rule: decision.rule.text.replace(/^.*\/policies\//, 'policies/'),
      ret: isForwarded ? ret : decision.ret,
      rx: isForwarded ? rx : new Uint8Array(0),
      latencyNs: 2000 + ((index * 7919) % 60_000),
      thread: 4000 + (index % 7),
    };
  };
  const asked = ['boot-window', 'boot-ivc', 'userspace'].flatMap(readTrace);
  const tried = attacks();
  return asked
    .flatMap((one, index) =>
      index % ATTACKS_APART === 0 ? [tried[(index / ATTACKS_APART) % tried.length], one] : [one],
    )
    .map(decided);
}

/** Chunks of a capture of so many transfers, a few µs apart. A chunk is good until the next is asked for. */
export async function* capture(count = 1_000_000): AsyncGenerator<Uint8Array> {
  const blocks = (await templates()).map((record) =>
    Buffer.from(transferBlock(record, { interface: VMS.indexOf(record.vm as (typeof VMS)[number]) })),
  );
  const writer = new CaptureWriter({ program: 'gpuvm bench', vms: VMS.map((name) => ({ name })) });
  yield writer.header();
  const chunk = Buffer.alloc(CHUNK);
  const sequences = VMS.map(() => 0);
  let second = START_NS;
  let high = 0;
  let low = 0;
  const begin = () => {
    high = Number(second >> 32n);
    low = Number(second & 0xffff_ffffn);
  };
  begin();
  let timeNs = 0;
  let size = 0;
  for (let index = 0; index < count; index++) {
    const block = blocks[index % blocks.length];
    if (size + block.length > CHUNK) {
      yield chunk.subarray(0, size);
      size = 0;
    }
    chunk.set(block, size);
    // A BigInt for each would take longer than all else here.
    timeNs += 3000 + ((index * 31) % 50_000);
    if (timeNs >= 1e9) {
      timeNs -= 1e9;
      second += 1_000_000_000n;
      begin();
    }
    const which = (index % blocks.length) % VMS.length;
    const sequence = sequences[which]++;
    chunk.writeUInt32LE(low + timeNs > 0xffff_ffff ? high + 1 : high, size + TIME_HIGH);
    chunk.writeUInt32LE((low + timeNs) >>> 0, size + TIME_LOW);
    chunk.writeUInt32LE(sequence, size + SEQUENCE);
    chunk.writeUInt32LE(sequence, size + block.length - NUMBER_BEFORE_END);
    chunk.writeUInt32LE(2000 + ((index * 7919) % 60_000), size + LATENCY);
    size += block.length;
  }
  yield chunk.subarray(0, size);
}

/** The same as a file. */
export async function writeCapture(path: string, count = 1_000_000): Promise<void> {
  const file = await open(path, 'w');
  try {
    for await (const chunk of capture(count)) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

/** CLK and RESET; the commands SET_RATE, DISABLE and ASSERT. */
const [CLK, RESET] = [22, 20];
const [SET_RATE, DISABLE, ASSERT] = [2, 8, 1];

function attacks(): Asked[] {
  const asked = (mrq: number, ...values: readonly number[]): Asked => {
    const tx = Buffer.alloc(4 * values.length);
    values.forEach((value, index) => {
      tx.writeUInt32LE(value, 4 * index);
    });
    return { mrq, tx, rx: new Uint8Array(0), ret: 0 };
  };
  return Array.from({ length: 150 }, (_, id) => [
    asked(CLK, (DISABLE << 24) | id),
    asked(CLK, (SET_RATE << 24) | id, 0, 1_000_000 * id, 0),
    asked(RESET, ASSERT, id),
  ]).flat();
}

interface Asked {
  readonly mrq: number;
  readonly tx: Uint8Array;
  readonly rx: Uint8Array;
  readonly ret: number;
}

function readTrace(name: string): Asked[] {
  const text = readFileSync(new URL(`../test/data/traces/${name}.ndjson`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { mrq: number; tx: string; rx: string; ret: number })
    .map(({ mrq, tx, rx, ret }) => ({ mrq, tx: bytes(tx), rx: bytes(rx), ret }));
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
