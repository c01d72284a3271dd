import {
  type ChipNames,
  ClkCommand,
  Mrq,
  PgCommand,
  ResetCommand,
  type ResourceTable,
} from '../wire/index.js';
import type { Right } from './rights.js';

export type SectionName = 'clocks' | 'resets' | 'powerDomains';

/** What must be looked at in a request's payload before it passes. */
export const Check = { NONE: 0, RATE: 1, CEILING: 2, PARENT: 3 } as const;
export type Check = (typeof Check)[keyof typeof Check];

/** One thing that can be asked of a resource, and what it takes. */
export interface Action {
  /** The command as policies and messages name it. */
  readonly name: string;
  readonly command: number;
  /** Column of the decision table: the command, but for what one command does in two directions. */
  readonly slot: number;
  readonly needs: Exclude<Right, 'none'>;
  readonly readOnly: boolean;
  /** True where a resource that others use too has to be kept from it. */
  readonly harmsOthers: boolean;
  readonly check: Check;
}

/** One kind of resource that is granted by id: what it is called, and what can be asked of it. */
export interface ResourceKind {
  readonly section: SectionName;
  readonly mrq: number;
  readonly family: string;
  readonly rights: readonly (Right | 'shared')[];
  readonly actions: readonly Action[];
  /** Commands that name no resource; allowed unless `mrqs:` takes them away. */
  readonly general: readonly { readonly name: string; readonly command: number }[];
  /** Columns of the decision table, a power of two above every slot. */
  readonly stride: number;
  table(names: ChipNames): ResourceTable;
}

/** `PG SET_STATE off` has a column of its own: switching on is harmless to others, switching off is not. */
export const PG_OFF_SLOT = 7;

function read(name: string, command: number, check: Check = Check.NONE): Action {
  return { name, command, slot: command, needs: 'read', readOnly: true, harmsOthers: false, check };
}

function use(name: string, command: number, slot = command): Action {
  return { name, command, slot, needs: 'use', readOnly: false, harmsOthers: false, check: Check.NONE };
}

function harmful(action: Action): Action {
  return { ...action, harmsOthers: true };
}

function tune(name: string, command: number, check: Check): Action {
  return { name, command, slot: command, needs: 'tune', readOnly: false, harmsOthers: true, check };
}

const clocks: ResourceKind = {
  section: 'clocks',
  mrq: Mrq.CLK,
  family: 'CLK',
  rights: ['none', 'read', 'use', 'tune', 'shared'],
  actions: [
    read('GET_RATE', ClkCommand.GET_RATE),
    tune('SET_RATE', ClkCommand.SET_RATE, Check.CEILING),
    read('ROUND_RATE', ClkCommand.ROUND_RATE, Check.RATE),
    read('GET_PARENT', ClkCommand.GET_PARENT),
    tune('SET_PARENT', ClkCommand.SET_PARENT, Check.PARENT),
    read('IS_ENABLED', ClkCommand.IS_ENABLED),
    use('ENABLE', ClkCommand.ENABLE),
    harmful(use('DISABLE', ClkCommand.DISABLE)),
    read('GET_ALL_INFO', ClkCommand.GET_ALL_INFO),
    read('GET_FMAX_AT_VMIN', ClkCommand.GET_FMAX_AT_VMIN),
  ],
  general: [{ name: 'GET_MAX_CLK_ID', command: ClkCommand.GET_MAX_CLK_ID }],
  stride: 32,
  table: (names) => names.clocks,
};

const resets: ResourceKind = {
  section: 'resets',
  mrq: Mrq.RESET,
  family: 'RESET',
  rights: ['none', 'use', 'shared'],
  actions: [
    harmful(use('ASSERT', ResetCommand.ASSERT)),
    use('DEASSERT', ResetCommand.DEASSERT),
    harmful(use('MODULE', ResetCommand.MODULE)),
  ],
  general: [{ name: 'GET_MAX_ID', command: ResetCommand.GET_MAX_ID }],
  stride: 8,
  table: (names) => names.resets,
};

const powerDomains: ResourceKind = {
  section: 'powerDomains',
  mrq: Mrq.PG,
  family: 'PG',
  rights: ['none', 'read', 'use', 'shared'],
  actions: [
    use('SET_STATE', PgCommand.SET_STATE),
    harmful(use('SET_STATE', PgCommand.SET_STATE, PG_OFF_SLOT)),
    read('GET_STATE', PgCommand.GET_STATE),
    read('GET_NAME', PgCommand.GET_NAME),
  ],
  general: [
    { name: 'QUERY_ABI', command: PgCommand.QUERY_ABI },
    { name: 'GET_MAX_ID', command: PgCommand.GET_MAX_ID },
  ],
  stride: 8,
  table: (names) => names.powerDomains,
};

export const resourceKinds: readonly ResourceKind[] = [clocks, resets, powerDomains];
export const resourceKind: Readonly<Record<SectionName, ResourceKind>> = { clocks, resets, powerDomains };
