/**
 * demo-report CONSOLE EVENTS: lays the guest's account (its console) and the host's (`gpuvm run --events`) side by
 * side, and ends with 0 only if they agree and everything is as expected.
 */
import { readFileSync } from 'node:fs';
import { compare, readConsole, readEvents, render } from './lib/demo-accounts.js';

const [consoleFile, eventsFile] = process.argv.slice(2);
if (consoleFile === undefined || eventsFile === undefined) {
  console.error('usage: demo-report CONSOLE EVENTS');
  process.exit(64);
}
const guest = readConsole(readFileSync(consoleFile, 'utf8'));
const host = readEvents(readFileSync(eventsFile, 'utf8'));
const comparison = compare(guest, host);
// Rules are named by their policy's file; here it is one of this checkout's.
console.log(render(comparison).replaceAll(`${process.cwd()}/`, ''));
process.exitCode = comparison.faults.length === 0 ? 0 : 1;
