import { describe, expect, it } from 'vitest';
import { StateMachine, type Step, type SupervisorState, stateTable } from '../../src/vm/states.js';

const names = Object.keys(stateTable) as SupervisorState[];
const next = (state: SupervisorState) => Object.entries(stateTable[state].next) as [Step, SupervisorState][];

/** A machine in this state, by some way through the table. */
function machineIn(wanted: SupervisorState): StateMachine {
  const ways = new Map<SupervisorState, Step[]>([['new', []]]);
  for (const [state, way] of ways) {
    for (const [step, to] of next(state)) if (!ways.has(to)) ways.set(to, [...way, step]);
  }
  const machine = new StateMachine(() => {});
  for (const step of ways.get(wanted)!) machine.take(step);
  return machine;
}

const steps = [...new Set(names.flatMap((name) => next(name).map(([step]) => step)))];

describe('the table of states', () => {
  it('leads to states that there are, each of them reachable', () => {
    for (const name of names) {
      for (const [, to] of next(name)) expect(names).toContain(to);
      expect(machineIn(name).state).toBe(name);
    }
  });

  it.each(names)('%s takes the steps that it lists and no other', (name) => {
    for (const step of steps) {
      const machine = machineIn(name);
      const to = next(name).find(([each]) => each === step)?.[1];
      expect(machine.can(step)).toBe(to !== undefined);
      if (to === undefined) {
        expect(() => machine.take(step)).toThrow(`a VM that is ${name} cannot take the step "${step}"`);
        machine.offer(step);
        expect(machine.state).toBe(name);
      } else {
        machine.take(step);
        expect(machine.state).toBe(to);
      }
    }
  });

  it('can end from every state, and from every state that holds something by way of giving it back', () => {
    for (const name of names) {
      const seen = new Set<SupervisorState>([name]);
      for (const state of seen) for (const [, to] of next(state)) seen.add(to);
      expect(seen).toContain('ended');
    }
    const into = (wanted: SupervisorState) =>
      names.filter((name) => next(name).some(([, to]) => to === wanted));
    // Running and paused: another supervisor goes on.
    expect(into('ended').sort()).toEqual(['new', 'paused', 'restoring', 'running']);
    // QEMU may be gone in any state in which there may be one.
    for (const name of ['bridge', 'qemu', 'monitor', 'running', 'paused', 'stopping'] as const) {
      expect(stateTable[name].next.gone).toBe('releasing');
    }
  });

  it('can be stopped in each state in which something may go on', () => {
    const deaf = names.filter((name) => !machineIn(name).allows('stop'));
    expect(deaf).toEqual(['restoring', 'ended']);
  });

  it('refuses an operation with the state, what goes on in it, and where it would be possible', () => {
    expect(machineIn('waiting').refusal('pause', 'kite')).toMatchObject({
      code: 'GPUVM_VM_STATE',
      message: 'kite is waiting (it is about to be started again): pause is for a VM that is running',
      details: { state: 'waiting', possibleIn: ['running'] },
    });
  });
});
