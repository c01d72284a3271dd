import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/**
 * With CI set in the environment, a test that was skipped (because the machine lacks a tool, say) fails the run: what
 * continuous integration calls green was run. A run that was narrowed by `-t` skips on purpose and is left alone.
 */
export default class NoneSkipped implements Reporter {
  #narrowed = false;

  onInit(vitest: Vitest): void {
    this.#narrowed = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (!process.env.CI || this.#narrowed) return;
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        console.error(
          `skipped, which CI does not allow: ${module.relativeModuleId} > ${test.fullName}${note(test)}`,
        );
        process.exitCode = 1;
      }
    }
  }
}

function note(test: TestCase): string {
  const result = test.result();
  return result.state === 'skipped' && result.note ? ` (${result.note})` : '';
}
