import type { Net } from '../../config/index.js';
import { type ArgumentContext, virtioDriver } from './context.js';
import { escapeOption, options } from './option.js';

type Connected = Exclude<Net, { kind: 'none' }>;

export function netArguments(context: ArgumentContext): string[] {
  return context.config.nets.flatMap((net, index) => {
    if (net.kind === 'none') return ['-nic', 'none'];
    const id = `net${index}`;
    return ['-netdev', netdev(net, id, context), '-device', deviceOf(net, id, context)];
  });
}

function netdev(net: Connected, id: string, { path }: ArgumentContext): string {
  switch (net.kind) {
    case 'user': {
      const forwards = net.forwards.map(({ text }) => `,hostfwd=${escapeOption(text)}`);
      return options('user', { id, restrict: net.restrict || undefined }) + forwards.join('');
    }
    case 'tap': {
      const queues = net.queues > 1 ? net.queues : undefined;
      // The interface is there already: no script of QEMU's is to change it.
      const scripts = { script: 'no', downscript: 'no' };
      return options('tap', { id, ifname: net.ifname, ...scripts, queues, vhost: net.vhost });
    }
    case 'bridge':
      return options('bridge', {
        id,
        br: net.bridge,
        helper: net.helper === undefined ? undefined : path(net.helper),
      });
  }
}

function deviceOf(net: Connected, id: string, { virtio }: ArgumentContext): string {
  const driver = net.model === 'virtio' ? virtioDriver('net', virtio) : net.model;
  const queues = net.kind === 'tap' && net.queues > 1 ? net.queues : undefined;
  const isPci = /^virtio-net-pci/.test(driver);
  return options(driver, {
    netdev: id,
    mac: net.mac,
    mq: queues === undefined ? undefined : true,
    // One vector for each queue of a pair, one for the control queue, one for changes of the configuration.
    vectors: queues !== undefined && isPci ? 2 * queues + 2 : undefined,
  });
}
