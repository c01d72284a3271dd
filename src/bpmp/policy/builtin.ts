import type { Rule } from './decision.js';

function rule(text: string): Rule {
  return Object.freeze({ text: `built-in: ${text}` });
}

/** The rules that no policy writes. */
export const builtIn = {
  truncated: rule('truncated request'),
  unknownMrq: rule('unknown MRQ'),
  unknownCommand: rule('unknown command'),
  unknownId: {
    clocks: rule('unknown clock'),
    resets: rule('unknown reset'),
    powerDomains: rule('unknown power domain'),
  },
  notGranted: rule('not granted'),
  filtered: rule('the filtered view hides what is not granted'),
  asked: rule("the guest's device tree names it"),
  fullView: rule('the full view shows everything'),
  sharedRoots: rule('shared roots'),
  parent: rule('parent of a granted clock'),
  hiddenParent: rule('the new parent is not granted'),
  negativeRate: rule('a rate is never negative'),
  powerState: rule('unknown power state'),
  passesAddresses: rule('the request holds a memory address'),
  fromFirmware: rule('sent by the firmware, never by a guest'),
  i2cSegments: rule('I2C segments that do not fit the transfer'),
  i2cAddress: rule('I2C address not granted'),
} as const;

/** What is harmless and asked by every guest: allowed unless `mrqs:` says otherwise. By MRQ and command name. */
export const allowedByDefault: Readonly<Record<string, Rule>> = {
  PING: rule('PING is harmless'),
  THREADED_PING: rule('THREADED_PING is harmless'),
  QUERY_FW_TAG: rule('QUERY_FW_TAG is harmless'),
  QUERY_ABI: rule('QUERY_ABI is harmless'),
  'CLK GET_MAX_CLK_ID': rule('CLK GET_MAX_CLK_ID is harmless'),
  'RESET GET_MAX_ID': rule('RESET GET_MAX_ID is harmless'),
  'PG QUERY_ABI': rule('PG QUERY_ABI is harmless'),
  'PG GET_MAX_ID': rule('PG GET_MAX_ID is harmless'),
};
