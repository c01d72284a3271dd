/** Device trees: a model of them, read from blobs and written to blobs. */
export { findLabel, labelsOf, setLabel } from './labels.js';
export { applyOverlay } from './overlay.js';
export { type ParseTreeOptions, parseTree } from './parse.js';
export { ensurePhandle, nextPhandle, phandleOf, phandlesOf } from './phandles.js';
export { danglingReferences, type Reference, referencesOf, removeNode } from './references.js';
export { emptyTree, findNode, type Reservation, type Tree, TreeNode, walk } from './tree.js';
export { cells, EMPTY, readCell, readCells, readString, readStrings, strings } from './values.js';
export { writeTree } from './write.js';
