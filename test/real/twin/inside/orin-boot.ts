/** Runs in the Orin twin: what this host has. orin-boot.test.ts judges it. */
import { addonCases } from './addon.js';
import { bootCases } from './boot-cases.js';
import { see } from './see.js';

void see({ ...bootCases, ...addonCases });
