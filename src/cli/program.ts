import { Command as Commander } from 'commander';
import type { Call, Command } from './command.js';
import { commands } from './commands/index.js';

type Run = (command: Command, call: Call) => Promise<void>;

const groups: Readonly<Record<string, string>> = {
  bpmp: "the chip's power firmware: ask it, watch what VMs ask, explain, replay, learn",
  config: 'check VM files, print one to begin with, and their schema for editors',
  dt: 'analyze, make and check device trees, of hosts and of guests',
  devices: "give the host's devices to VFIO and back, and list them",
  policy: 'work on what a VM may ask of the power firmware',
};

const VMS = 'Running VMs:';
const FIRMWARE = 'The power firmware:';
/** Under what each command stands in `gpuvm --help`, by its first word; the others come first, under `HOSTS`. */
const headings: Readonly<Record<string, string>> = {
  ps: VMS,
  status: VMS,
  stop: VMS,
  pause: VMS,
  resume: VMS,
  reset: VMS,
  console: VMS,
  logs: VMS,
  events: VMS,
  qmp: VMS,
  policy: FIRMWARE,
  bpmp: FIRMWARE,
};
const HOSTS = 'VM files and hosts:';
/** What `gpuvm --help` shows by example: one of each kind. */
const shown = new Set(['run', 'plan', 'doctor', 'ps', 'console', 'policy check', 'bpmp send']);

/** Commander's tree of the commands; every one that is chosen goes to `run`. */
export function buildProgram(version: string, run: Run): Commander {
  const program = configure(new Commander('gpuvm'))
    .description('Runs a virtual machine that owns a GPU, and polices what it may ask of the power firmware.')
    .version(version, '-V, --version', 'print the version')
    .helpCommand(false)
    // Nearly all have arguments and options; their own help says which.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText(
      'after',
      examplesText(commands.filter(({ path }) => shown.has(path)).map(({ examples }) => examples[0]!)),
    );
  const places = new Map<string, Commander>();
  for (const command of commands) {
    const [first, second] = command.path.split(' ');
    if (second === undefined) program.addCommand(leaf(first!, command, run).helpGroup(headingOf(first!)));
    else {
      let group = places.get(first!);
      if (!group) {
        group = configure(new Commander(first))
          .description(groups[first!] ?? '')
          .helpGroup(headingOf(first!))
          .helpCommand(false);
        places.set(first!, group);
        program.addCommand(group);
      }
      group.addCommand(leaf(second, command, run));
    }
  }
  return program;
}

function headingOf(word: string): string {
  return headings[word] ?? HOSTS;
}

/** Nothing is printed and nobody exits behind our back: what commander has to say comes as an error. */
function configure(command: Commander): Commander {
  return command
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => {} });
}

function leaf(name: string, command: Command, run: Run): Commander {
  const { summary, description = '', args = [], options = [], examples } = command;
  const made = configure(new Commander(name))
    .summary(summary)
    .description([`${summary[0]!.toUpperCase()}${summary.slice(1)}.`, description].join('\n').trim());
  for (const [form, meaning] of args) made.argument(form, meaning);
  for (const [form, meaning, required] of options) {
    if (required) made.requiredOption(form, meaning);
    else made.option(form, meaning);
  }
  return made
    .option('--json', 'print data as JSON')
    .option('-v, --verbose', 'say more, and all the causes of an error')
    .addHelpText('after', examplesText(examples))
    .action(() => run(command, { args: made.args, options: made.opts(), ...restOf(made) }));
}

/** The words behind `--`, which commander puts among the arguments as it finds them. */
function restOf(command: Commander): { readonly rest?: readonly string[] } {
  let root = command;
  while (root.parent) root = root.parent;
  const words = (root as Commander & { readonly rawArgs: readonly string[] }).rawArgs;
  const at = words.indexOf('--');
  return at < 0 ? {} : { rest: words.slice(at + 1) };
}

function examplesText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`;
}
