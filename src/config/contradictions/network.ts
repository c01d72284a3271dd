import type { VmFile } from '../schema/index.js';
import type { Complaints } from './complain.js';

export function networkContradictions(complaints: Complaints): void {
  const { nets } = complaints.config;
  const none = nets.findIndex(({ kind }) => kind === 'none');
  if (none >= 0 && nets.length > 1)
    complaints.at(['nets', none], 'says that there is no network, and there are others');
  complaints.unique(
    nets,
    (net) => (net.kind === 'none' ? undefined : net.mac),
    (index) => ['nets', index, 'mac'],
  );
  complaints.unique(
    nets,
    (net) => (net.kind === 'tap' ? net.ifname : undefined),
    (index) => ['nets', index, 'ifname'],
  );
  for (const [index, net] of nets.entries()) {
    if (net.kind !== 'tap' || net.queues === 1 || net.model.startsWith('virtio')) continue;
    complaints.at(['nets', index, 'queues'], `must be 1: ${net.model} has one pair`);
  }
  forwards(complaints, nets);
}

/** One port of the host leads to one place. */
function forwards(complaints: Complaints, nets: VmFile['nets']): void {
  const all = nets.flatMap((net, index) =>
    net.kind === 'user'
      ? net.forwards.map((forward, nth) => ({ ...forward, path: ['nets', index, 'forwards', nth] }))
      : [],
  );
  const isAny = (address: string) => address === '' || address === '0.0.0.0';
  for (const [nth, forward] of all.entries()) {
    const taken = all
      .slice(0, nth)
      .some(
        ({ protocol, hostPort, hostAddress }) =>
          protocol === forward.protocol &&
          hostPort === forward.hostPort &&
          (hostAddress === forward.hostAddress || isAny(hostAddress) || isAny(forward.hostAddress)),
      );
    if (taken)
      complaints.at(forward.path, `takes ${forward.protocol} port ${forward.hostPort} a second time`);
  }
}
