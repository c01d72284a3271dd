import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Said } from '../../../host/checks/index.js';
import type { Given } from '../given.js';

/** What gpuvm's units need. */
const OLDEST = 245;
const DEADLINE_MS = 5_000;

export const systemdVersion: Check<Given> = {
  id: 'systemd.version',
  async run({ isLive, sysroot }) {
    const runs = existsSync(join(sysroot, 'run/systemd/system'));
    if (!isLive) return [];
    const said = await ask(['--version']);
    const version = /^systemd (\d+)/.exec(said ?? '')?.[1];
    if (version === undefined)
      return [
        {
          status: 'ok',
          what: 'this host has no systemd: VMs are started by other means',
          evidence: 'systemctl --version: no answer',
        },
      ];
    const evidence = `systemctl --version: ${version}; /run/systemd/system: ${runs ? 'there' : 'not there'}`;
    if (Number(version) < OLDEST)
      return [
        {
          status: 'warn',
          what: `systemd ${version} is too old for gpuvm's units, which need ${OLDEST}`,
          evidence,
          fix: 'upgrade the distribution (Ubuntu 20.04 has 245), or run gpuvm run under another supervisor',
        },
      ];
    return [{ status: 'ok', what: `systemd ${version}${runs ? '' : ', which does not run here'}`, evidence }];
  },
};

/** In the order in which systemd looks. */
const FOLDERS = [
  'etc/systemd/system',
  'run/systemd/system',
  'usr/local/lib/systemd/system',
  'usr/lib/systemd/system',
  'lib/systemd/system',
];
const RECOVER = 'gpuvm-recover.service';

/** The VM's unit, where one is installed: whether it still fits, and can start. */
export const unit: Check<Given> = {
  id: 'systemd.unit',
  async run({ config, sysroot, isLive, file }) {
    if (!config) return [];
    const own = `gpuvm-${config.name}.service`;
    const path = find(sysroot, own) ?? find(sysroot, 'gpuvm@.service');
    if (path === undefined)
      return [
        {
          status: 'ok',
          what: 'no unit for it is installed',
          evidence: `${own} is in no folder of systemd's`,
        },
      ];
    const findings: Said[] = [];
    const again = path.endsWith(own)
      ? `gpuvm unit ${file} --install /etc/systemd/system && systemctl daemon-reload`
      : `gpuvm unit ${file} --drop-in --install /etc/systemd/system && systemctl daemon-reload`;
    const text = readFileSync(join(sysroot, path), 'utf8');
    const missing = programsIn(text).find((program) => !existsSync(join(sysroot, program)));
    if (missing !== undefined)
      findings.push({
        on: 'program',
        status: 'fail',
        what: `the unit starts ${missing}, which is not there any more`,
        evidence: `${path}: ExecStart=`,
        fix: again,
      });
    if (path.endsWith(own) && statSync(config.file).mtimeMs > statSync(join(sysroot, path)).mtimeMs)
      findings.push({
        on: 'age',
        status: 'warn',
        what: 'the VM file was changed after its unit was made',
        evidence: `${path} is older than ${config.file}`,
        fix: again,
      });
    if (find(sysroot, RECOVER) === undefined)
      findings.push({
        on: 'recover',
        status: 'warn',
        what: 'nothing puts the host right at boot: the unit for that is not installed',
        evidence: `${RECOVER} is in no folder of systemd's`,
        fix: again,
      });
    const state = isLive
      ? await stateOf(path.endsWith(own) ? own : `gpuvm@${config.name}.service`)
      : undefined;
    if (state?.active === 'failed')
      findings.push({
        on: 'state',
        status: 'warn',
        what: `the service failed at its last run (${state.result})`,
        evidence: `systemctl show ${own}`,
        fix: `journalctl -u ${own} -n 50; then: systemctl reset-failed ${own}`,
      });
    if (findings.length > 0) return findings;
    return [
      {
        status: 'ok',
        what: `its unit is installed${state?.active ? ` (${state.active})` : ''}`,
        evidence: path,
      },
    ];
  },
};

function find(sysroot: string, name: string): string | undefined {
  const folder = FOLDERS.find((each) => existsSync(join(sysroot, each, name)));
  return folder && `/${folder}/${name}`;
}

/** The absolute paths that ExecStart= begins with: Node and gpuvm's own script. */
function programsIn(unitText: string): string[] {
  const line = /^ExecStart=(.*(?:\\\n.*)*)$/m.exec(unitText)?.[1] ?? '';
  const words = line.replaceAll('\\\n', ' ').trim().split(/\s+/);
  return words
    .map((word) => word.replace(/^[-@:+!]+/, '').replace(/^"(.*)"$/, '$1'))
    .slice(0, 2)
    .filter((word) => word.startsWith('/'));
}

async function stateOf(name: string): Promise<{ active: string; result: string } | undefined> {
  const said = await ask(['show', '--property=ActiveState', '--property=Result', '--', name]);
  if (said === undefined) return undefined;
  return {
    active: /^ActiveState=(.*)$/m.exec(said)?.[1] ?? '',
    result: /^Result=(.*)$/m.exec(said)?.[1] ?? '',
  };
}

function ask(args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile('systemctl', args, { timeout: DEADLINE_MS, killSignal: 'SIGKILL' }, (error, stdout) =>
      resolve(error && stdout === '' ? undefined : stdout),
    );
  });
}
