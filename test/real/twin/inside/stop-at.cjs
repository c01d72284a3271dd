// Loaded into gpuvm by --require: at each moment at which a power cut finds something else on the disk or in sysfs, it
// says where it stands, in a file that the test outside reads, and stands still until that lets it go on, or cuts the power.
// The disk's work that was begun goes on meanwhile, as the kernel's does.
const fs = require('node:fs');
const promises = require('node:fs/promises');
const processes = require('node:child_process');

const folder = process.env.STOP_AT;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

function stand(name) {
  const stem = `${folder}/${process.pid}-${String(moment++).padStart(3, '0')}`;
  fs.writeFileSync(`${stem}.new`, name);
  fs.renameSync(`${stem}.new`, `${stem}.moment`);
  while (!fs.existsSync(`${stem}.go`)) Atomics.wait(sleeper, 0, 0, 5);
}
let moment = 0;

async function patchFiles() {
  const file = await promises.open(process.execPath);
  const prototype = Object.getPrototypeOf(file);
  await file.close();
  const { appendFile, datasync, truncate } = prototype;
  prototype.appendFile = async function (text, ...rest) {
    const kind = /^\{"(\w+)":(?:\{"id":)?("[^"]*")?/.exec(text);
    this.last = `${kind?.[1]} ${kind?.[2] ?? ''}`.trim();
    const result = await appendFile.call(this, text, ...rest);
    stand(`${this.last} is written`);
    return result;
  };
  prototype.datasync = async function () {
    const result = await datasync.call(this);
    stand(`${this.last} is flushed`);
    return result;
  };
  prototype.truncate = async function (...rest) {
    const result = await truncate.call(this, ...rest);
    if (/journal/.test(fs.readlinkSync(`/proc/self/fd/${this.fd}`)))
      stand('the journal is cut to its whole records');
    return result;
  };
}

const { rename, unlink, mkdir } = promises;
for (const [name, call] of Object.entries({ rename, unlink, mkdir }))
  promises[name] = async (path, ...rest) => {
    const result = await call(path, ...rest);
    if (/journal/.test(path)) stand(`${name} of the journal is made`);
    return result;
  };

// The writes to sysfs, which are made by a process that is told of each in a line: `["/sys/…", "…"]`.
const { spawn } = processes;
processes.spawn = (...args) => {
  const child = spawn(...args);
  const input = child.stdin;
  if (input) {
    const write = input.write;
    input.write = (line, ...rest) => {
      const told = /^\["(\/sys\/[^"]*)"/.exec(line);
      if (told) stand(`${told[1]} is to be written`);
      return write.call(input, line, ...rest);
    };
  }
  return child;
};

patchFiles();
