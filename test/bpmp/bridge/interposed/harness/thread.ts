import { Worker } from 'node:worker_threads';

/**
 * A thread that runs a TypeScript module. It registers the loader itself: under a parent that runs by tsx, Node 20 drops
 * `--import tsx` from a thread's arguments.
 */
export function startTypeScriptThread(entry: URL, data: unknown): Worker {
  const loader = import.meta.resolve('tsx/esm/api');
  const source = `import { register } from '${loader}'; register(); await import('${entry}');`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: data,
    execArgv: [],
  });
}
