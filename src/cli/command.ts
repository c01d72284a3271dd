import type { Context } from './context.js';

/** One command as data. The code behind it is loaded when it is run, and with it what it needs. */
export interface Command {
  /** `bpmp decide` */
  readonly path: string;
  readonly summary: string;
  /** More than the summary, for `--help`. */
  readonly description?: string;
  /** Commander's form, `<file>` or `[word...]`, with what it is. */
  readonly args?: readonly (readonly [form: string, meaning: string])[];
  /** Commander's form, `--mrq <n>`, with what it is; a third entry makes it one that must be given. */
  readonly options?: readonly (readonly [form: string, meaning: string, required?: true])[];
  readonly examples: readonly string[];
  load(): Promise<CommandModule>;
}

/** What was on the command line, as commander hands it over. */
export interface Call {
  readonly args: readonly string[];
  /** Those of them that stood behind `--`; undefined where there was none. */
  readonly rest?: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

export interface CommandModule {
  /** Runs and answers the exit status. */
  run(call: Call, context: Context): Promise<number>;
}
