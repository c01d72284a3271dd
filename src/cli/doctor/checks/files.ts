import { loadPolicy } from '../../../bpmp/policy/index.js';
import { loadVmFile } from '../../../config/index.js';
import { formatPlace, GpuvmError } from '../../../errors.js';
import type { Check, Said } from '../../../host/checks/index.js';
import type { Given } from '../given.js';

/** Whether the VM file can be read, and every mistake in it. */
export const vmFile: Check<Given> = {
  id: 'file.vm',
  run({ file, config, fileError }) {
    if (file === undefined) return [];
    if (fileError) {
      const isMistake = GpuvmError.is(fileError, 'GPUVM_CONFIG');
      return mistakes(
        fileError,
        `gpuvm config ${isMistake ? `check ${file}` : 'example > vm.yaml makes one'}`,
      );
    }
    return [{ status: 'ok', what: `${config!.name} is described by ${file}`, evidence: file }];
  },
};

/** Whether the files that it names are there, and are what they are said to be. */
export const filesThere: Check<Given> = {
  id: 'file.there',
  async run({ file, config }) {
    if (!config) return [];
    try {
      await loadVmFile(file!, { checkFiles: true });
      return [{ status: 'ok', what: 'every file that it names is there', evidence: config.file }];
    } catch (error) {
      if (!GpuvmError.is(error)) throw error;
      return mistakes(error, `put it there, or change ${file}`);
    }
  },
};

export const policyFile: Check<Given> = {
  id: 'file.policy',
  async run({ config }) {
    if (config?.policy === undefined) return [];
    try {
      (await loadPolicy(config.policy)).compile();
      return [{ status: 'ok', what: 'the policy can be read', evidence: config.policy }];
    } catch (error) {
      if (!GpuvmError.is(error)) throw error;
      return mistakes(error, `gpuvm policy check ${config.policy}`);
    }
  },
};

/** One finding for each mistake of a file, by the key that it is in. */
function mistakes({ message, code, place, details }: GpuvmError, fix: string): Said[] {
  const all = Array.isArray(details.mistakes) ? details.mistakes.map(String) : [];
  if (all.length === 0)
    return [{ status: 'fail', what: message, evidence: place ? formatPlace(place) : code, fix }];
  return all.map((line, index) => {
    const [, where, what = line] = /^(\S+:\d+:\d+): (.*)$/s.exec(line) ?? [];
    const [, key = String(index + 1)] = /^([A-Za-z][\w.[\]]*) /.exec(what) ?? [];
    return { on: key, status: 'fail', what, evidence: where ?? code, fix };
  });
}
