import { treeError } from './error.js';

/** What dtc's lexer takes for the name of a property or a node (PROPNODECHAR), and for a label. */
const NAME = /^[a-zA-Z0-9,._+*#?@-]+$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** Throws GPUVM_DEVICE_TREE for a name that a blob may have and a source not. */
export function sourceName(name: string, path: string): string {
  if (NAME.test(name)) return name;
  throw treeError(`${path}: ${JSON.stringify(name)} cannot be written as source, dtc would not read it`);
}
