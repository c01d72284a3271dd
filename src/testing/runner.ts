/**
 * What a runner hands to a test, as far as it is needed to clean up after it: vitest's context has `onTestFinished`,
 * node:test's has `after`.
 */
export type TestContext =
  | {
      onTestFinished(
        fn: (context: { readonly task: { readonly result?: { readonly state?: string } } }) => Promise<void>,
      ): void;
    }
  | { after(fn: () => Promise<void>): void; readonly passed?: boolean };

/** Has `clean` called when the test is over, however it ends, and told whether it failed. */
export function whenTestEnds(test: TestContext, clean: (failed: boolean) => Promise<void>): void {
  if ('onTestFinished' in test) {
    test.onTestFinished(({ task }) => clean(task.result?.state === 'fail'));
  } else {
    // Nodes that do not tell are taken at their worst: a report too many harms nobody.
    test.after(() => clean(test.passed !== true));
  }
}
