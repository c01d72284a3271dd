/** What a service has to do with systemd: telling it how things are, and leaving descriptors with it. */
export { consoleShows } from './marker.js';
export { cleanStatus, type NamedDescriptor, type Notification } from './message.js';
export { ServiceManager } from './service-manager.js';
export { type NotifiedVm, type NotifierOptions, ServiceNotifier } from './service-notifier.js';
