import { describe, expect, it } from 'vitest';
import type { App } from '../../../../src/cli/bpmp/top/app.js';
import { edited } from '../../../../src/cli/bpmp/top/edit.js';
import { busyApp, shown } from './pictures.js';
import { sample } from './sample.js';

process.env.TZ = 'UTC';

function press(app: App, nowMs: number, ...keys: string[]) {
  return keys.map((key) => app.press(key, nowMs, 10)).at(-1);
}

describe('keys', () => {
  it('go through the panes, by Tab, arrows and numbers', () => {
    const { app, nowMs } = busyApp();
    press(app, nowMs, 'tab');
    expect(app.ui.pane).toBe('commands');
    press(app, nowMs, 'right');
    expect(app.ui.pane).toBe('resources');
    press(app, nowMs, 'shift-tab', 'shift-tab', 'shift-tab');
    expect(app.ui.pane).toBe('holdings');
    press(app, nowMs, '5');
    expect(app.ui.pane).toBe('latency');
  });

  it('mark rows, which stay marked when they move, and open them', () => {
    const { app, nowMs } = busyApp();
    press(app, nowMs, '3', 'down');
    const key = app.ui.selected.resources;
    press(app, nowMs, 's', 's', 's', 's');
    expect(app.ui.sort.resources).toBe('name');
    expect(app.ui.selected.resources).toBe(key);
    press(app, nowMs, 'enter');
    expect(app.ui.opened).toEqual({ table: 'resources', key });
    expect(shown(app, nowMs, 80, 24)).toContain('Transfers, the newest first');
    press(app, nowMs, 'down', 'escape');
    expect(app.ui.opened).toBeUndefined();
    press(app, nowMs, 'end', 'pageup', 'home', 'S');
    expect(app.ui.sort.resources).toBe('latency');
  });

  it('choose the table of the overview that arrows move in', () => {
    const { app, nowMs } = busyApp();
    press(app, nowMs, 'right');
    expect(app.ui.focus).toBe('refusals');
    press(app, nowMs, 'right', 'down', 'enter');
    expect(app.ui.opened).toMatchObject({ table: 'commands' });
  });

  it('hold the picture, while transfers are counted all the same', () => {
    const { app, nowMs } = busyApp();
    press(app, nowMs, 'p');
    const before = shown(app, nowMs, 80, 24);
    app.add(sample({ count: 100, seed: 9 }));
    app.setFacts({ state: 'paused', restarts: 3 });
    expect(shown(app, nowMs + 5000, 80, 24)).toBe(before);
    press(app, nowMs, '3', 'enter');
    const opened = shown(app, nowMs, 80, 24);
    app.add(sample({ count: 100, seed: 10 }));
    expect(shown(app, nowMs + 5000, 80, 24)).toBe(opened);
    expect(before.split('\n')[0]).toContain('PAUSED');
    press(app, nowMs, ' ');
    expect(app.picture(nowMs).summary.all.count).toBe(1700);
  });

  it('count anew', () => {
    const { app, nowMs } = busyApp();
    press(app, nowMs, 'r');
    const { summary, facts } = app.picture(nowMs);
    expect([summary.all.count, facts?.totals]).toEqual([0, undefined]);
    app.add(sample({ count: 5 }));
    expect(app.picture(nowMs).summary.all.count).toBe(5);
  });

  it('quit, and ask for other VMs', () => {
    const { app, nowMs } = busyApp();
    expect(press(app, nowMs, 'q')).toBe('quit');
    expect(press(app, nowMs, 'ctrl-c')).toBe('quit');
    expect(press(app, nowMs, 'v')).toBe('list');
    const vm = (name: string) => ({ name, state: 'running', detail: '3 allow' });
    app.offer([vm('orin'), vm('two')]);
    expect(shown(app, nowMs, 80, 24)).toContain('Which VM?');
    expect(press(app, nowMs, 'down', 'down', 'enter')).toEqual({ choose: 'two' });
    app.offer([vm('orin')]);
    press(app, nowMs, 'escape');
    expect(app.ui.choice).toBeUndefined();
    app.offer([]);
    expect(shown(app, nowMs, 80, 24)).toContain('no other VM runs');
  });

  it('do nothing while there is nothing', () => {
    const { app, nowMs } = busyApp();
    app.clear();
    for (const key of ['enter', 'down', 'up', 'right', 's', '4', 'enter', 'end', 'x', 'delete'])
      expect(press(app, nowMs, key)).toBeUndefined();
  });
});

describe('a filter', () => {
  it('holds for what was kept and for what comes', () => {
    const { app, nowMs } = busyApp();
    const denied = app.picture(nowMs).summary.all.verdicts.deny;
    press(app, nowMs, 'f', ...'deny', 'enter');
    expect(app.ui).toMatchObject({ filter: 'deny', edit: undefined });
    expect(app.picture(nowMs).summary.all).toMatchObject({ count: denied, verdicts: { allow: 0 } });
    const more = sample({ count: 200, seed: 5 });
    app.add(more);
    const also = more.filter(({ verdict }) => verdict === 'deny').length;
    expect(app.picture(nowMs).summary.all.count).toBe(denied + also);
    press(app, nowMs, '/', 'ctrl-u', 'enter');
    expect(app.picture(nowMs).summary.all.count).toBe(1700);
  });

  it('asks for a file again', () => {
    const { app, nowMs } = busyApp({ isRepeatable: true, origin: { name: 'a.pcapng', kind: 'file' } });
    expect(press(app, nowMs, 'f', ...'deny', 'enter')).toBe('again');
    expect(press(app, nowMs, 'r')).toBe('again');
  });

  it('that is a mistake leaves the former one', () => {
    const { app, nowMs } = busyApp({ filter: 'deny' });
    press(app, nowMs, 'f', 'x', 'enter');
    expect(app.ui.edit).toMatchObject({ text: 'denyx', mistake: { message: 'no verdict denyx', at: 2 } });
    press(app, nowMs, 'escape');
    expect(app.ui.filter).toBe('deny');
  });

  it('is written as lines are', () => {
    const type = (...keys: string[]) => keys.reduce(edited, { text: 'one two', cursor: 7 });
    expect(type('ctrl-w')).toEqual({ text: 'one ', cursor: 4 });
    expect(type('ctrl-w', 'ctrl-w')).toEqual({ text: '', cursor: 0 });
    expect(type('home', 'delete', 'O')).toEqual({ text: 'One two', cursor: 1 });
    expect(type('left', 'left', 'left', 'ctrl-k')).toEqual({ text: 'one ', cursor: 4 });
    expect(type('left', 'backspace')).toEqual({ text: 'one to', cursor: 5 });
    expect(type('up', 'pagedown')).toEqual({ text: 'one two', cursor: 7 });
    expect(type(...'x'.repeat(2000)).text).toHaveLength(1000);
  });
});
