/** Wireshark's display filters, on the names of a transfer's fields. */
export { compileFilter, type Filter } from './compile.js';
export { MOST_CHARACTERS } from './lexer.js';
export { MOST_DEPTH, parseFilter } from './parse.js';
export { printFilter } from './print.js';
export type { Expression, FieldName, Literal, Operator, Quantity, Range, SetItem } from './syntax.js';
