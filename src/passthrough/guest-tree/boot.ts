import { readString, strings, type Tree } from '../../devicetree/index.js';
import type { Finding } from '../../finding.js';

/**
 * Without them Linux switches off, when it has started, every clock and power domain that none of its drivers uses: those
 * of the devices that have no driver yet, and asks for it for all that it sees.
 */
export const NEEDED_PARAMETERS = ['clk_ignore_unused', 'pd_ignore_unused'] as const;

/**
 * The kernel's parameters. Where the VM file has an `append`, QEMU writes that into the tree in the place of ours, so it
 * is only looked at.
 */
export function setBootArguments({ root }: Tree, append: string | undefined): Finding[] {
  const chosen = root.ensure('chosen');
  const said = append ?? readString(chosen.get('bootargs')) ?? '';
  const words = said.split(/\s+/).filter((word) => word !== '');
  const missing = NEEDED_PARAMETERS.filter((parameter) => !words.includes(parameter));
  chosen.set('bootargs', strings(append === undefined ? [...words, ...missing].join(' ') : said));
  if (append === undefined || missing.length === 0) return [];
  return [
    {
      id: 'guest-tree.append',
      status: 'warn',
      what: `append lacks ${missing.join(' and ')}: the guest's kernel switches off what it believes unused, clocks of its devices among it`,
      evidence: `append: ${append}`,
      fix: `append: ${[append, ...missing].join(' ').trim()}`,
    },
  ];
}
