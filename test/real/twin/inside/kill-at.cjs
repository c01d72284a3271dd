// Loaded into gpuvm by --require: counts what it does to its journal, and kills it with SIGKILL at the moment that
// KILL_AT names. After each append that is waited for comes the change that it announces, by another process.
const { open } = require('node:fs/promises');
const { appendFileSync } = require('node:fs');

const killAt = Number(process.env.KILL_AT);
let moment = 0;

function reach(name, before = () => {}) {
  if (process.env.KILL_LOG) appendFileSync(process.env.KILL_LOG, `${name}\n`);
  if (moment++ !== killAt) return;
  before();
  process.kill(process.pid, 'SIGKILL');
}

async function patch() {
  const file = await open(process.execPath);
  const prototype = Object.getPrototypeOf(file);
  await file.close();
  const { appendFile, datasync } = prototype;
  prototype.appendFile = function (text, ...rest) {
    const kind = /^\{"(\w+)":(?:\{"id":)?("[^"]*")?/.exec(text);
    const name = `${kind?.[1]} ${kind?.[2] ?? ''}`.trim();
    reach(`before ${name} is written down`);
    reach(`with half of ${name} written down`, () =>
      require('node:fs').writeSync(this.fd, text.slice(0, text.length / 2)),
    );
    this.last = name;
    return appendFile.call(this, text, ...rest);
  };
  prototype.datasync = async function () {
    const result = await datasync.call(this);
    reach(`once ${this.last} is on the disk`);
    return result;
  };
}
patch();
