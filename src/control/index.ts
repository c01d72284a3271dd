/** The control socket of a running VM: its server, its client, and where it lies. */
export type { BpmpAnswer, BpmpRequest } from './bpmp-requests.js';
export type { BpmpDenial, BpmpRow, BpmpStatus } from './bpmp-status.js';
export { ControlClient, type ControlClientOptions, type FollowOptions } from './client.js';
export { clearSockets, findVm, type ListedVm, listVms, type VmList } from './find.js';
export { controlFolder, controlFolders, controlPath } from './path.js';
export { type ControlOptions, ControlServer, serveControl } from './server.js';
export type { ControlledVm, VmConsole, VmEvent, VmStatus } from './vm.js';
