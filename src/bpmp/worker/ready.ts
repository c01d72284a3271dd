import { formatPlace } from '../../errors.js';
import type { ReleaseReport } from '../mediator/index.js';
import type { CompiledPolicy } from '../policy/index.js';
import { Mrq } from '../wire/index.js';
import type { BridgeReady } from './messages.js';

/** What a service tells of itself once it serves. */
export function readyOf(
  ready: Omit<BridgeReady, 'guest'>,
  policy: CompiledPolicy,
  recovered: ReleaseReport | undefined,
): BridgeReady {
  const lines = policy.warnings.map(({ message, place }) => `${formatPlace(place)}: ${message}`);
  const guest = {
    i2cBuses: policy.grantedBuses,
    thermal: policy.isMrqVisible(Mrq.THERMAL),
    observed: policy.mode !== 'enforce',
  };
  const left = recovered === undefined ? [] : [describeRecovered(recovered)];
  return { ...ready, notes: [...left, ...lines, ...ready.notes], guest, ...(recovered && { recovered }) };
}

function describeRecovered({ givenBack, kept, failed }: ReleaseReport): string {
  const rest = `${kept > 0 ? `, ${kept} kept` : ''}${failed > 0 ? `, ${failed} failed` : ''}`;
  return `an earlier run of this VM ended without giving back what it held: ${givenBack} given back now${rest}`;
}
