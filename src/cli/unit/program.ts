import { realpathSync } from 'node:fs';

/** gpuvm as a unit is to start it: this Node, by its own path, with the script that runs now. */
export function ownProgram(script: string = process.argv[1] ?? 'gpuvm'): readonly string[] {
  // Options such as --import are needed where the program runs from its sources.
  return [process.execPath, ...process.execArgv, realpathSync(script)];
}
