import type { TransferRecord } from '../capture/index.js';
import { type CommandInfo, classify, mrqs, newShape, type Shape, ShapeStatus } from '../wire/index.js';

/** A record's request as far as it was looked at. */
export interface Look {
  readonly record: TransferRecord;
  readonly shape: Shape;
  /** Undefined where the MRQ or its command is unknown, or the payload ends before the command. */
  readonly info: CommandInfo | undefined;
  /** False where the payload ends before the command, or there is none to have. */
  readonly hasCommand: boolean;
}

/** By MRQ and command. */
const commands: ReadonlyMap<number, ReadonlyMap<number, CommandInfo>> = new Map(
  [...mrqs.values()].map((family) => [
    family.number,
    new Map(family.commands.map((command) => [command.number, command])),
  ]),
);

let last: Look | undefined;

/** A filter asks several things of one record before it goes on to the next: the last one's look is kept. */
export function lookAt(record: TransferRecord): Look {
  if (last?.record === record) return last;
  const { mrq, tx } = record;
  const shape = classify(mrq, tx, last?.shape ?? newShape());
  const family = mrqs.get(mrq);
  const isReadable = family !== undefined && (!family.hasCommands || tx.length >= 4);
  const info = isReadable ? commands.get(mrq)!.get(shape.command) : undefined;
  last = { record, shape, info, hasCommand: isReadable && family.hasCommands };
  return last;
}

/** What `decodeRequest` calls the request. */
export function requestStatus({ shape }: Look): 'ok' | 'unknown' | 'malformed' {
  if (shape.status === ShapeStatus.OK) return 'ok';
  return shape.status === ShapeStatus.TRUNCATED ? 'malformed' : 'unknown';
}
