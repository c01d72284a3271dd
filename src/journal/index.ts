/** Changes to the host, each written down with its undo before it is made; locks; recovery. */
export { ChildWriter } from './child-writer.js';
export { type JournalDisk, realDisk } from './disk.js';
export { type StateFolders, stateFolders } from './folders.js';
export { type Hanging, hangingProcesses } from './hanging.js';
export { type Holder, holdersOf, holdersOfSomeDevice } from './holders.js';
export { bootId, identityOf, isAlive, ownIdentity, type ProcessIdentity, whereItWaits } from './identity.js';
export { Journal, type JournalOptions } from './journal.js';
export { type JournalSummary, journalsOf } from './list.js';
export { DeviceLocks, type LockHolder, lockHolder } from './lock.js';
export { lookAtAll } from './make.js';
export { nodesBelow } from './nodes.js';
export { type RecoveredJournal, type RecoverOptions, type RecoverReport, recover } from './recover.js';
export type { UndoneStep, UndoReport } from './report.js';
export type { ChildRecord, Condition, FileStep, HostStep, OwnerStep, WriteStep } from './step.js';
export type { UndoOptions } from './undo.js';
export type { SysfsWriter } from './writer.js';
