import { expect } from 'vitest';
import type { BindingCases } from '../inside/orin-binding-cases.js';
import type { DoctorCases } from '../inside/orin-doctor-cases.js';
import type { HangCases } from '../inside/orin-hang-cases.js';
import type { PciCases } from '../inside/orin-pci-cases.js';
import type { UserCases } from '../inside/orin-user-cases.js';
import type { VfioCases } from '../inside/orin-vfio-cases.js';

export type Cases = BindingCases & DoctorCases & HangCases & PciCases & UserCases & VfioCases;

/** What a case saw in the twin, by its name. */
export type Saw = <Name extends keyof Cases>(name: Name) => Cases[Name];

/** One interrupt of the first vector. */
export const ONCE = { vector: 0, count: 1 };

export const refused = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });
