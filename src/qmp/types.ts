/**
 * Every command and event of QEMU, by name: from the schema of QEMU 11.1 with what 7.2 had besides, without names for
 * most types, because QEMU leaves those out of its schema. Other names are taken too, with arguments and returns that the
 * caller judges. All of it is types: nothing is loaded at run time.
 */
import type { CommandReturns, EventData } from './generated/answers.js';
import type { CommandArguments } from './generated/arguments.js';

export type QmpCommands = {
  readonly [C in keyof CommandArguments]: { args: CommandArguments[C]; returns: CommandReturns[C] };
};
export type QmpEvents = EventData;

/** What a machine does; run-state.json's RunState. */
export type RunState = CommandReturns['query-status']['status'];
/** Why a machine stopped or was reset; run-state.json's ShutdownCause. */
export type ShutdownCause = EventData['SHUTDOWN']['reason'];

export type CommandName = keyof CommandArguments | (string & {});
export type ArgsOf<C extends string> = C extends keyof CommandArguments ? CommandArguments[C] : object;
export type ReturnOf<C extends string> = C extends keyof CommandReturns ? CommandReturns[C] : unknown;
export type EventName = keyof EventData | (string & {});
export type DataOf<E extends string> = E extends keyof EventData
  ? EventData[E]
  : Readonly<Record<string, unknown>>;
