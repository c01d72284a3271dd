import { readFile } from 'node:fs/promises';
import { GpuvmError } from '../../errors.js';
import type { ChipNames } from '../wire/index.js';
import { CompiledPolicy } from './compiled.js';
import { PolicyLearner } from './learn.js';
import type { Limit, Mode, PolicyModel, View } from './model.js';
import { readPolicy } from './parse.js';
import type { PolicyWarning } from './problems.js';
import { MAX_POLICY_BYTES } from './reader.js';
import { domainsOf, protectionOf } from './resource-table.js';
import type { SharedAnswer } from './rights.js';
import type { Learned, TraceLearner, WriteOptions } from './trace-learner.js';

export interface CompileOptions {
  /** Resources that hang above the granted ones, and are therefore visible and shared. */
  readonly sharedParents?: { readonly clocks?: Iterable<number> };
  /**
   * What the guest's device tree names. Where it is not granted the filtered view shows it all the same, to be read: a
   * driver that finds nothing there may take it for something that needs no switching, and one that finds it is refused.
   */
  readonly named?: { readonly clocks?: Iterable<number>; readonly powerDomains?: Iterable<number> };
}

/** What one VM may ask of a BPMP, as its file says it. */
export class Policy {
  readonly #model: PolicyModel;

  constructor(model: PolicyModel) {
    this.#model = model;
  }

  get file(): string {
    return this.#model.file;
  }
  get text(): string {
    return this.#model.text;
  }
  get chip(): ChipNames {
    return this.#model.chip;
  }
  get view(): View {
    return this.#model.view;
  }
  get mode(): Mode {
    return this.#model.mode;
  }
  get shared(): SharedAnswer {
    return this.#model.shared;
  }
  get limit(): Limit | undefined {
    return this.#model.limit;
  }
  /** What works but is hardly meant; a compiled policy has these and a few more. */
  get warnings(): readonly PolicyWarning[] {
    return this.#model.warnings;
  }

  compile(options: CompileOptions = {}): CompiledPolicy {
    const { sharedParents, named } = options;
    const clocks = protectionOf(sharedParents?.clocks, named?.clocks);
    return new CompiledPolicy(this.#model, clocks, domainsOf(named?.powerDomains));
  }

  /** What was learned from a recording, with what this policy says beside its lines, and its lines that are still right. */
  learnedFrom(learner: TraceLearner, options: Omit<WriteOptions, 'present'>): Learned {
    return learner.learned({ ...options, present: this.#model });
  }

  /** For mode `learn`: takes denied requests and writes the policy that they take. */
  learner(options: CompileOptions = {}): PolicyLearner {
    return new PolicyLearner(this.compile(options), this.#model, protectionOf(options.sharedParents?.clocks));
  }
}

/**
 * Reads a policy from its text. Throws GPUVM_POLICY with the first mistake's file, line and column; `details.mistakes`
 * has a line for each.
 */
export function parsePolicy(text: string, options: { readonly file?: string } = {}): Policy {
  return new Policy(readPolicy(text, options.file ?? 'policy'));
}

/** Reads a policy file; throws GPUVM_FILE where it cannot be read. */
export async function loadPolicy(path: string): Promise<Policy> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new GpuvmError('GPUVM_FILE', `cannot read the policy ${path}: ${code}`, { cause });
  }
  if (bytes.length > MAX_POLICY_BYTES) {
    throw new GpuvmError('GPUVM_POLICY', `the policy is larger than ${MAX_POLICY_BYTES} bytes`, {
      place: { file: path },
    });
  }
  return parsePolicy(bytes.toString('utf8'), { file: path });
}
