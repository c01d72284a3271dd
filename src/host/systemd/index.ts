/** What a service has to do with systemd: telling it how things are, and leaving descriptors with it. */
export { type Aftermath, judgeAftermath, type ServiceEnd } from './aftermath.js';
export { endLeftovers, type Leftover, leftoversIn } from './leftovers.js';
export { consoleShows } from './marker.js';
export { cleanStatus, type NamedDescriptor, type Notification } from './message.js';
export { ServiceManager } from './service-manager.js';
export { type NotifiedVm, type NotifierOptions, ServiceNotifier } from './service-notifier.js';
export {
  commandWord,
  dropIn,
  endedUnit,
  literal,
  type Need,
  recoverUnit,
  type ServiceFacts,
  serviceUnit,
  word,
} from './unit/index.js';
export { type UnitState, unitState } from './unit-state.js';
