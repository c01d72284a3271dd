import { describe, expect, it } from 'vitest';
import { DISSECTOR_FILE, dissectorText } from '../../../src/bpmp/dissector/index.js';
import { lua, Reference } from '../../../src/bpmp/dissector/lua.js';
import { fields } from '../../../src/bpmp/fields/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { BpmpError, Mrq } from '../../../src/bpmp/wire/index.js';

const text = dissectorText();

describe('the dissector', () => {
  it('is the same each time it is made', () => {
    expect(dissectorText()).toBe(text);
    expect(DISSECTOR_FILE).toMatch(/\.lua$/);
  });

  it('has every field, MRQ, return code and resource', () => {
    for (const { name } of fields) expect(text).toContain(`\t${name.replace('bpmp.', '')}\t`);
    for (const [name, number] of Object.entries(Mrq)) expect(text).toContain(`M[${number}]={n="${name}"`);
    for (const [name, number] of Object.entries(BpmpError)) expect(text).toContain(`${number}=${name}`);
    for (const table of [tegra234.clocks, tegra234.resets, tegra234.powerDomains])
      for (const id of table.ids) expect(text).toMatch(new RegExp(`[ [{]${id}=${table.nameOf(id)}[ \\]]`));
  });

  it('is small, and says nothing twice', () => {
    expect(text.length).toBeLessThan(120_000);
    const tables = [...text.matchAll(/^T\.\w+=names\[\[(.*)\]\]$/gm)].map(([, list]) => list);
    expect(new Set(tables).size).toBe(tables.length);
  });

  it('keeps to what Lua 5.2 to 5.4 have in common', () => {
    const code = text
      .replace(/--.*$/gm, '')
      .replace(/\[\[[\s\S]*?\]\]/g, '""')
      .replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, '""');
    expect(code).not.toMatch(
      /\/\/|<<|>>|[^~]~[^=]|&|[^|]\|[^|]|\bbit32\b|\bunpack\b|\bsetfenv\b|\bgoto\b|\bmath\.(pow|tointeger|ult)\b/,
    );
  });
});

describe('a value as Lua', () => {
  it('is written in the shortest form', () => {
    expect(lua({ a: 1, b: undefined, c: [true, 'x"\\\n'], d: new Reference('T.t1') })).toBe(
      '{a=1,c={true,"x\\"\\\\\\n"},d=T.t1}',
    );
    expect(lua(new Map([[3, 'x']]))).toBe('{[3]="x"}');
  });
});
