#!/usr/bin/env node
'use strict';
/**
 * Runs the bundle beside it: main.cjs runs main.bundle.cjs. Compiling that would take longer than most commands run, so what V8
 * made of it once (scripts/cache-code.mjs) is handed back to it; a cache of another Node is refused by V8, and does no harm.
 * One of another processor is not refused, and ends the process.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { Script, constants } = require('node:vm');

const filename = __filename.replace(/\.cjs$/, '.bundle.cjs');
const cacheFile = `${filename}.${process.arch}.cache`;

function readCache() {
  try {
    return readFileSync(cacheFile);
  } catch {
    return undefined;
  }
}

const source = readFileSync(filename, 'utf8').replace(/^#!.*/, '');
const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
  filename,
  cachedData: process.env.GPUVM_CACHE_CODE ? undefined : readCache(),
  importModuleDynamically: constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
script.runInThisContext()(exports, require, module, filename, __dirname);

// All that has run by then is in it, and needs no compiling the next time.
if (process.env.GPUVM_CACHE_CODE) {
  process.once('exit', () => writeFileSync(cacheFile, script.createCachedData()));
}
