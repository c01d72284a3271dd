import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { addon } from '../../src/native/index.js';

it('makes a second descriptor for the same file, close-on-exec, that lives on its own', () => {
  const first = openSync('/dev/null', 'r+');
  const second = addon().duplicateFd(first);
  expect(second).not.toBe(first);
  expect(fstatSync(second).rdev).toBe(fstatSync(first).rdev);
  closeSync(first);
  expect(
    Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${second}`, 'utf8'))![1]!, 8) &
      0o2000000,
  ).toBe(0o2000000);
  closeSync(second);
  expect(() => addon().duplicateFd(second)).toThrow(expect.objectContaining({ code: 'EBADF' }));
});
