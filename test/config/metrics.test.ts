import { describe, expect, it } from 'vitest';
import { isLoopback, parseListen } from '../../src/config/schema/metrics.js';

describe('where metrics are served', () => {
  it.each([
    ['127.0.0.1:9470', { address: '127.0.0.1', port: 9470 }],
    ['localhost:80', { address: '127.0.0.1', port: 80 }],
    ['[::1]:65535', { address: '::1', port: 65535 }],
    ['[::ffff:127.0.0.1]:1', { address: '::ffff:127.0.0.1', port: 1 }],
    ['0.0.0.0:9470', { address: '0.0.0.0', port: 9470 }],
    ['::1:9470', undefined],
    [':9470', undefined],
    ['9470', undefined],
    ['127.0.0.1:0', undefined],
    ['127.0.0.1:65536', undefined],
    ['127.0.1:9470', undefined],
    ['[127.0.0.1]:9470', undefined],
    ['[fe80::1%eth0]:9470', undefined],
    ['example.org:9470', undefined],
  ])('%s', (text, listen) => {
    expect(parseListen(text)).toEqual(listen);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.255.0.3', true],
    ['::1', true],
    ['0:0:0:0:0:0:0:1', true],
    ['0.0.0.0', false],
    ['128.0.0.1', false],
    ['::', false],
    ['::2', false],
    ['1::1', false],
    ['fe80::1', false],
    ['::ffff:10.0.0.1', false],
  ])('%s is for this host alone: %s', (address, own) => {
    expect(isLoopback(address)).toBe(own);
  });
});
