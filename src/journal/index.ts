/** Changes to the host that survive nothing: each is written down with its undo before it is made. */
export { type StateFolders, stateFolders } from './folders.js';
export { bootId, identityOf, isAlive, ownIdentity, type ProcessIdentity, whereItWaits } from './identity.js';
export type { UndoneStep, UndoReport } from './report.js';
export type { ChildRecord, Condition, FileStep, HostStep, OwnerStep, WriteStep } from './step.js';
export type { SysfsWriter } from './writer.js';
