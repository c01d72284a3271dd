/** What a service has to do with systemd: telling it how things are, and leaving descriptors with it. */
export { cleanStatus, type NamedDescriptor, type Notification } from './message.js';
export { ServiceManager } from './service-manager.js';
