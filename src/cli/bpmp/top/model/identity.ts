import { tegra234 } from '../../../../bpmp/tegra234/index.js';
import {
  classify,
  commandOf,
  mrqs,
  newShape,
  type ResourceTable,
  ShapeStatus,
} from '../../../../bpmp/wire/index.js';

/** What a request is about, as far as its bytes say. */
export interface Identity {
  readonly mrq: number;
  readonly command: number;
  /** One number for MRQ and command; all MRQs that the ABI does not have are one by their MRQ alone. */
  readonly commandKey: number;
  /** 'clock', 'reset' …; undefined where it names no resource. */
  readonly kind: string | undefined;
  readonly id: number;
}

const scratch = newShape();
/** A known MRQ is below 2^8, a command below 2^32. */
const COMMANDS = 2 ** 32;

/** Takes any bytes; commands and ids at their full width. */
export function identify(mrq: number, tx: Uint8Array): Identity {
  const { status, command, id } = classify(mrq, tx, scratch);
  if (status === ShapeStatus.UNKNOWN_MRQ)
    return { mrq, command: 0, commandKey: -1 - mrq, kind: undefined, id: -1 };
  // Too short for its command: what there is of it is none.
  if (status === ShapeStatus.TRUNCATED && tx.length < 4 && mrqs.get(mrq)?.hasCommands)
    return { mrq, command: -1, commandKey: mrq * COMMANDS + 0.5, kind: undefined, id: -1 };
  const kind = id < 0 ? undefined : commandOf(mrq, command)?.idKind;
  return { mrq, command, commandKey: mrq * COMMANDS + command, kind, id };
}

/** `CLK SET_RATE`, `CLK command 99`, `MRQ 12`. */
export function commandTitle({ mrq, command }: Pick<Identity, 'mrq' | 'command'>): string {
  const family = mrqs.get(mrq);
  if (family === undefined) return `MRQ ${mrq}`;
  if (!family.hasCommands) return family.name;
  if (command < 0) return `${family.name} (unreadable)`;
  return commandOf(mrq, command)?.title ?? `${family.name} command ${command}`;
}

/** The kinds of resources, by what the wire's tables call them: how they are shown, and who knows their names. */
const kinds: Readonly<Record<string, readonly [short: string, table?: ResourceTable]>> = {
  clock: ['clk', tegra234.clocks],
  reset: ['reset', tegra234.resets],
  powerDomain: ['pg', tegra234.powerDomains],
  thermalZone: ['zone'],
  i2cBus: ['i2c'],
  debugFile: ['debug fd'],
  pcieController: ['pcie'],
};

/** A resource's name where the chip has one for it. */
export function resourceName(kind: string, id: number): string | undefined {
  return kinds[kind]?.[1]?.nameOf(id);
}

/** `clk GPUSYS`, `reset 4000`, `zone 3`. */
export function resourceTitle(kind: string, id: number): string {
  const short = kinds[kind]?.[0] ?? kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `${short} ${resourceName(kind, id) ?? id}`;
}
