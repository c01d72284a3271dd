import { ThermalCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { choice, integer, resource, u32 } from '../struct/scalars.js';

const zone = field('zone', resource('thermalZone', u32));
const milliC = integer('i32', 'milliC');

/** THERMAL: temperatures are in thousandths of a degree Celsius. HOST_TRIP_REACHED comes from the BPMP. */
export const thermal = family('THERMAL', 'word', ThermalCommand, {
  QUERY_ABI: { effect: 'read', request: [field('type', choice(u32, ThermalCommand))] },
  GET_TEMP: { effect: 'read', request: [zone], reply: [field('tempMilliC', milliC)] },
  SET_TRIP: {
    effect: 'change',
    request: [zone, field('lowMilliC', milliC), field('highMilliC', milliC), field('enabled', u32)],
  },
  GET_NUM_ZONES: { effect: 'read', reply: [field('num', u32)] },
  GET_THERMTRIP: { effect: 'read', request: [zone], reply: [field('thermtripMilliC', milliC)] },
  HOST_TRIP_REACHED: { effect: 'change', fromBpmp: true, request: [zone] },
});
