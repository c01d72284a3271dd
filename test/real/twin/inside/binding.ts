/** Runs in the twin: makes each case on its kernel and reports what there was to see. x86-binding.test.ts judges it. */
import { cases } from './cases.js';
import { makeCases } from './make-cases.js';

void makeCases(cases);
