import { expect, it } from 'vitest';
import { isSendReliable } from '../../../../src/bpmp/bridge/interposed/kernel.js';

it.each([
  ['5.15.148-tegra', false],
  ['6.6.0', false],
  ['6.17.9', false],
  ['6.18.0-rc1', true],
  ['6.18.44-fc', true],
  ['7.2.13+deb14', true],
  ['something else', false],
])('trusts an answer that kernel %s took: %s', (kernel, isReliable) => {
  expect(isSendReliable(true, kernel)).toBe(isReliable);
  expect(isSendReliable(false, kernel)).toBe(false);
});
