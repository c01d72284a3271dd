import { loadVmFile } from '../../config/index.js';
import { cloneTree, writeTree } from '../../devicetree/index.js';
import {
  checkGuestTree,
  lineOf,
  mendGuestTree,
  type TreeFinding,
  unjudgedCarveOuts,
} from '../../passthrough/index.js';
import { expectationsOf } from '../../vm/tree/expectations.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { readTree } from './read-tree.js';
import { saveWhole } from './save.js';

/** What it ends with where something is found, and was not corrected. */
const FOUND = 1;

/** A line for each finding; what could not be held against anything is told on stderr. */
export async function run({ args: [file, vmFile], options }: Call, context: Context): Promise<number> {
  const { stdout, stderr, json } = context;
  const text = (name: string) => (options[name] === undefined ? undefined : String(options[name]));
  const tree = await readTree(file!);
  const { expectations, unknown, assumed } = await expectationsOf(await loadVmFile(vmFile!), {
    sysroot: text('sysroot'),
    hostTree: text('hostTree'),
    qemuTree: text('qemuTree'),
  });
  const findings = checkGuestTree(tree, expectations);
  const output = text('fix');
  const mended = cloneTree(tree);
  const left = output === undefined ? findings : mendGuestTree(mended, expectations);
  if (output !== undefined) await saveWhole(output, writeTree(mended));
  const unjudged = unjudgedCarveOuts(expectations);
  const notChecked = [
    ...unknown,
    ...(unjudged.length === 0
      ? []
      : [
          `whether the host reserves ${unjudged.join(', ')}: its tree does not have ${unjudged.length === 1 ? 'it' : 'them'}`,
        ]),
  ];
  if (json)
    stdout.json({
      ok: left.length === 0,
      findings: findings.map(plain),
      ...(output !== undefined && { output, left: left.map(plain) }),
      notChecked,
      assumed,
    });
  else {
    for (const finding of findings) stdout.line(lineOf(finding));
    if (findings.length === 0) stdout.line(`${file}: as ${vmFile} needs it`);
    if (output !== undefined) stdout.line(outcome(output, findings, left));
    if (output !== undefined) for (const finding of left) stdout.line(`not corrected: ${lineOf(finding)}`);
    for (const note of assumed) stderr.line(`gpuvm: warning: ${note}`);
    for (const note of notChecked) stderr.line(`gpuvm: not checked: ${note}`);
  }
  return left.length === 0 ? 0 : FOUND;
}

function outcome(output: string, findings: readonly TreeFinding[], left: readonly TreeFinding[]): string {
  const corrected = findings.filter((each) => !left.some((other) => lineOf(other) === lineOf(each)));
  return `${output}: ${corrected.length} of ${findings.length} corrected`;
}

function plain({ id, status, path, property, what, right, mend }: TreeFinding) {
  return { id, status, path, property: property ?? null, what, right, correctable: mend !== undefined };
}
