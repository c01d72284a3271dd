import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/index.js';
import { GpuvmError } from '../../src/errors.js';
import { FakeVm } from './fake-vm.js';
import { ask, exchange } from './raw.js';
import { Sandbox } from './sandbox.js';

let sandbox: Sandbox;
let vm: FakeVm;
let path: string;

beforeEach(async () => {
  sandbox = new Sandbox();
  vm = new FakeVm();
  path = (await sandbox.serve(vm)).path;
});
afterEach(() => sandbox.clear());

describe('what can be asked', () => {
  it.each(['/', '/v1', '/v1/'])('%s lists it', async (place) => {
    const { status, headers, text } = await ask(path, `GET ${place}`);
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'application/json' });
    const { name, routes } = JSON.parse(text) as { name: string; routes: { method: string; path: string }[] };
    expect(name).toBe('orin');
    expect(routes.map((route) => `${route.method} ${route.path}`)).toEqual([
      'GET /v1',
      'GET /v1/status',
      'GET /v1/bpmp',
      'POST /v1/bpmp/requests',
      'GET /v1/capture',
      'GET /v1/metrics',
      'POST /v1/stop',
      'POST /v1/pause',
      'POST /v1/resume',
      'POST /v1/reset',
      'POST /v1/qmp',
      'GET /v1/events',
      'GET /v1/logs',
      'GET /v1/console',
      'POST /v1/console',
    ]);
  });

  it('a bridge; where the VM tells nothing of one, 404, and where it has none at present, 409', async () => {
    expect(await ask(path, 'GET /v1/bpmp')).toMatchObject({ status: 404 });
    const report = { vm: 'orin', totals: { allow: 1 }, denials: [] };
    vm.bpmp = async () => report as never;
    const { status, text } = await ask(path, 'GET /v1/bpmp');
    expect({ status, report: JSON.parse(text) }).toEqual({ status: 200, report });
    vm.bpmp = async () => {
      throw new GpuvmError('GPUVM_VM_STATE', 'orin has no BPMP to tell of: its VM file has no bridge');
    };
    expect(await ask(path, 'GET /v1/bpmp')).toMatchObject({ status: 409 });
    expect(await ask(path, 'GET /v1/bpmp?x')).toMatchObject({ status: 400 });
  });

  it('metrics, in the format that is asked for; 404 of a VM that has none', async () => {
    expect(await ask(path, 'GET /v1/metrics')).toMatchObject({ status: 404 });
    vm.metrics = async (accept = 'nothing') => ({
      contentType: 'text/plain; version=0.0.4',
      body: `# ${accept}\n`,
    });
    const { status, headers, text } = await ask(path, 'GET /v1/metrics');
    expect([status, headers['content-type'], text]).toEqual([
      200,
      'text/plain; version=0.0.4',
      '# nothing\n',
    ]);
    expect(await new ControlClient({ path }).metrics()).toBe('# nothing\n');
  });

  it('a status, with 64-bit numbers as text', async () => {
    vm.status = () => ({ ...new FakeVm().status(), address: 0xffff_ffff_ffff_ffffn }) as never;
    const { status, text } = await ask(path, 'GET /v1/status');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ name: 'orin', restarts: 2, address: '18446744073709551615' });
  });

  it.each([
    ['pause', 'paused'],
    ['resume', 'running'],
    ['reset', 'running'],
  ])('%s answers with the state after it', async (what, state) => {
    const { status, text } = await ask(path, `POST /v1/${what}`);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ state });
    expect(vm.calls).toEqual([what]);
  });

  it('a stop is begun and not waited for', async () => {
    const { status, text } = await ask(path, 'POST /v1/stop');
    expect(status).toBe(202);
    expect(JSON.parse(text)).toMatchObject({ state: 'stopping' });
    expect(vm.calls).toEqual(['stop']);
  });

  it('a stop at once goes on to the rung after the first, and then one at a time', async () => {
    await ask(path, 'POST /v1/stop', '{"now":true}');
    expect(vm.calls).toEqual(['stop', 'stop']);
    await ask(path, 'POST /v1/stop', '{"now":true}');
    expect(vm.calls).toEqual(['stop', 'stop', 'stop']);
  });

  it('a stop at once hurries on what comes before the first rung', async () => {
    vm.stop = () => {
      vm.calls.push('stop');
      // A hook runs until it is hurried.
      if (vm.calls.length === 2) vm.state = 'stopping';
    };
    expect((await ask(path, 'POST /v1/stop', '{"now":true}')).status).toBe(202);
    expect(vm.calls).toEqual(['stop', 'stop', 'stop']);
  });

  it('a stop works where the status hangs', async () => {
    vm.status = () => new Promise(() => {});
    void ask(path, 'POST /v1/stop', '{"now":true}').catch(() => {});
    await expect.poll(() => vm.calls, { timeout: 5_000 }).toEqual(['stop', 'stop', 'stop']);
  });

  it('a QMP command, with what QEMU returns', async () => {
    vm.onQmp = (command, args) => ({ command, args, rounded: 0x8000_0000_0000_0001n });
    const body = '{"execute":"qom-get","arguments":{"path":"/machine","property":"type"},"deadlineMs":5000}';
    const { status, text } = await ask(path, 'POST /v1/qmp', body);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      return: {
        command: 'qom-get',
        args: { path: '/machine', property: 'type' },
        rounded: '9223372036854775809',
      },
    });
  });
});

describe('what is refused', () => {
  const code = 'GPUVM_CONTROL_REQUEST';
  it.each([
    ['GET /v2/status', 404],
    ['GET /v1/statu', 404],
    ['GET /v1/status/', 404],
    ['GET /v1/../v1/status', 404],
    ['GET /v1/%2e%2e/status', 404],
    ['GET //v1/status', 404],
    ['GET /../../../etc/passwd', 404],
    ['GET /v1/__proto__', 404],
    ['POST /v1/status', 405],
    ['DELETE /v1/stop', 405],
    ['HEAD /v1/status', 405],
    ['GET /v1/qmp', 405],
    ['GET /v1/status?x=1', 400],
    ['GET /v1/events?folow', 400],
    ['GET /v1/events?follow=yes', 400],
    ['GET /v1/events?recent=-1', 400],
    ['GET /v1/events?recent=many', 400],
    ['GET /v1/events?since=yesterday', 400],
    ['GET /v1/console?recent=1e3', 400],
    ['GET /v1/logs?since=2026-01-31T12:00:00Z', 400],
  ])('%s is %d', async (line, wanted) => {
    const answer = await ask(path, line);
    expect(answer.status).toBe(wanted);
    if (!line.startsWith('HEAD'))
      expect(answer.json.error).toMatchObject({ code, message: expect.any(String) });
  });

  it('says what a place takes, and names the nearest parameter', async () => {
    const { headers, json } = await ask(path, 'PUT /v1/console');
    expect(headers.allow).toBe('GET, POST');
    expect(json.error?.message).toBe('/v1/console takes GET, POST, not PUT');
    expect((await ask(path, 'GET /v1/events?folow')).json.error?.message).toBe(
      'there is no parameter "folow" here: did you mean follow?',
    );
  });

  it.each([
    ['{', 400],
    ['[]', 400],
    ['null', 400],
    ['"stop"', 400],
    ['{"execute":5}', 400],
    ['{"execute":""}', 400],
    ['{"execute":"quit\\n{}"}', 400],
    ['{}', 400],
    ['{"execute":"stop","arguments":[]}', 400],
    ['{"execute":"stop","arguments":"x"}', 400],
    ['{"execute":"stop","deadlineMs":0}', 400],
    ['{"execute":"stop","deadlineMs":1.5}', 400],
    ['{"execute":"stop","deadlineMs":"5"}', 400],
    ['{"execute":"stop","args":{}}', 400],
  ])('a QMP body: %s is %d', async (body, wanted) => {
    const { status, json } = await ask(path, 'POST /v1/qmp', body);
    expect({ status, code: json.error?.code }).toEqual({ status: wanted, code });
    expect(vm.calls).toEqual([]);
  });

  it('a body beyond its limit', async () => {
    const { status, json } = await ask(path, 'POST /v1/qmp', `{"execute":"${'x'.repeat(1024 * 1024)}"}`);
    expect({ status, message: json.error?.message }).toEqual({
      status: 413,
      message: 'the body is longer than 1048576 bytes',
    });
  });

  it('a body of another type, and says which is wanted', async () => {
    const { status, json } = await ask(path, 'POST /v1/stop', 'wait=true', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(status).toBe(415);
    expect(json.error?.message).toBe(
      'the body must be application/json, not application/x-www-form-urlencoded',
    );
    expect(vm.calls).toEqual([]);
  });

  it.each(['{"wait":1}', '{"now":"yes"}', '{"wiat":true}'])('a stop with %s', async (body) => {
    const { status } = await ask(path, 'POST /v1/stop', body);
    expect(status).toBe(400);
    expect(vm.calls).toEqual([]);
  });

  it('a chunked body that never ends, at its limit', async () => {
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const head =
      'POST /v1/qmp HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
    const { status } = await exchange(path, head + chunk.repeat(17));
    expect(status).toBe(413);
  });

  it.each([
    ['half a request', 'GET / HTTP/1.1\r\nx: y', 400],
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001', 400],
    ['no host', 'GET /v1/status HTTP/1.1\r\n\r\n', 400],
    ['another version', 'GET /v1/status HTTP/9.9\r\nhost: x\r\n\r\n', 400],
    ['long headers', `GET /v1/status HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`, 431],
    ['a long path', `GET /${'x'.repeat(10_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431],
    [
      'POST /v1/stop HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n',
      'two lengths',
      400,
    ],
    ['a negative length', 'POST /v1/stop HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', 400],
  ])('%s', async (_what, bytes, wanted) => {
    const { status } = await exchange(path, bytes, { end: true });
    expect(status).toBe(wanted);
    expect(vm.calls).toEqual([]);
  });

  it('an upgrade to anything but the console', async () => {
    for (const [place, protocol] of [
      ['/v1/console', 'websocket'],
      ['/v1/status', 'gpuvm-console'],
      ['/v1/console?recent=x', 'gpuvm-console'],
      ['/v1/status', 'h2c'],
    ]) {
      const bytes = `GET ${place} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`;
      const { status, json } = await exchange(path, bytes);
      expect({ status, code: json.error?.code }).toEqual({ status: 400, code });
    }
    expect(vm.watchers).toBe(0);
  });
});

describe('what the VM refuses', () => {
  it.each([
    ['GPUVM_VM_STATE', 409],
    ['GPUVM_QMP_COMMAND', 422],
    ['GPUVM_QMP_CLOSED', 503],
    ['GPUVM_QMP_TIMEOUT', 504],
    ['GPUVM_INTERNAL', 500],
  ] as const)('%s is %d', async (code, wanted) => {
    vm.pause = async () => {
      throw new GpuvmError(code, 'no', { details: { state: 'stopping' } });
    };
    const { status, json } = await ask(path, 'POST /v1/pause');
    expect(status).toBe(wanted);
    expect(json.error).toEqual({ code, message: 'no', details: { state: 'stopping' } });
  });

  it("tells QEMU's error class", async () => {
    vm.onQmp = () => {
      throw new GpuvmError('GPUVM_QMP_COMMAND', 'QEMU refused nonsense', {
        details: { class: 'CommandNotFound' },
      });
    };
    const { status, json } = await ask(path, 'POST /v1/qmp', '{"execute":"nonsense"}');
    expect(status).toBe(422);
    expect(json.error?.details).toEqual({ class: 'CommandNotFound' });
  });

  it('survives a VM that throws at once, and one that throws nonsense', async () => {
    vm.status = () => {
      throw new TypeError('oh');
    };
    expect(await ask(path, 'GET /v1/status')).toMatchObject({
      status: 500,
      json: { error: { code: 'GPUVM_INTERNAL', message: 'oh' } },
    });
    vm.reset = () => Promise.reject('what');
    expect(await ask(path, 'POST /v1/reset')).toMatchObject({
      status: 500,
      json: { error: { message: 'what' } },
    });
  });

  it('gives a hanging QMP command no longer than its deadline', async () => {
    vm.onQmp = () => new Promise(() => {});
    const { status, json } = await ask(path, 'POST /v1/qmp', '{"execute":"query-status","deadlineMs":1}');
    expect({ status, code: json.error?.code }).toEqual({ status: 504, code: 'GPUVM_QMP_TIMEOUT' });
  });
});
