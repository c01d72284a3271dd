export * from './abi.js';
export { classify } from './classify.js';
export type { CommandInfo, CommandPlace, Effect, MrqInfo, MrqName } from './family.js';
export { commandByName, commandOf, minimumLength, mrqByName, mrqs } from './mrqs.js';
export type { ChipNames, ResourceTable } from './names.js';
export { newShape, type Shape, ShapeStatus } from './shape.js';
