import * as z from 'zod';
import { duration, text } from './values.js';

/** 30 s, for a hook that names no time of its own. */
const DEADLINE = '30s';

const command = z.array(text).min(1, 'must name a program');

const hook = z.union(
  [
    command.describe('A program and its arguments; no shell.'),
    z.strictObject({
      run: command.describe('A program and its arguments; no shell.'),
      deadline: duration(DEADLINE).describe('How long it may take.'),
    }),
  ],
  'must be a list of a program and its arguments, or a map of run and deadline',
);

/** The short form is the long one with the default deadline. */
const hookList = z
  .array(hook.transform((entry) => (Array.isArray(entry) ? { run: entry, deadline: 30_000 } : entry)))
  .prefault([]);

export const hooks = z
  .strictObject({
    preStart: hookList.describe('Before the devices are bound; a failure keeps the VM from starting.'),
    postStart: hookList.describe('Once the VM runs; a failure is reported, and the VM goes on.'),
    preStop: hookList.describe('Before the stop ladder; a failure is reported.'),
    postStop: hookList.describe('When the devices are back where they were; a failure is reported.'),
  })
  .prefault({})
  .describe('Programs of your own that are run around the VM, one after the other.');
