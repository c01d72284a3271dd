import { type Browser, chromium } from 'playwright-core';
import { programPath } from '../real/programs.js';

/** Debian's Chromium without a screen, as scripts/setup installs it. */
const PROGRAM = 'chromium-headless-shell';

/** Whether there is a browser; says aloud what a test is skipped for. */
export function hasBrowser(): boolean {
  const found = programPath(PROGRAM) !== undefined;
  if (!found) console.warn(`SKIPPED: needs ${PROGRAM}, which is not on the PATH`);
  return found;
}

export function launchBrowser(): Promise<Browser> {
  // Its own sandbox needs what containers and root do not have; the pages are ours.
  return chromium.launch({ executablePath: programPath(PROGRAM)!, args: ['--no-sandbox'], timeout: 60_000 });
}
