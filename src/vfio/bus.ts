import { pciBus } from './pci.js';
import { platformBus } from './platform.js';
import type { Bus } from './read.js';

/** What the two kinds of device differ in; everything else is the same for both. */
export const buses: Readonly<Record<'platform' | 'pci', Bus>> = { platform: platformBus, pci: pciBus };
