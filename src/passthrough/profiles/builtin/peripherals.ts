import { defineProfile, rule } from '../define.js';

export const mgbe = defineProfile({
  name: 'mgbe',
  about: 'an Ethernet controller of up to 10 Gbit/s (MGBE), with its MDIO bus and PHY',
  match: { compatible: ['nvidia,tegra234-mgbe'], nodes: ['ethernet'] },
  guest: {
    compatible: ['nvidia,tegra234-mgbe'],
    alias: 'ethernet0',
    drop: [
      rule('phy-reset-gpios', "GPIOs are the host's"),
      rule('nvidia,phy-reset-gpio', "GPIOs are the host's"),
    ],
  },
});

export const uart = defineProfile({
  name: 'uart',
  about: 'a serial port of the chip',
  match: {
    compatible: ['nvidia,tegra194-hsuart', 'nvidia,tegra186-hsuart', 'nvidia,tegra20-uart'],
    nodes: ['serial'],
  },
  guest: {
    compatible: ['nvidia,tegra194-hsuart', 'nvidia,tegra20-uart'],
    children: 'none',
    // Not serial0: that is the guest's console.
    alias: 'serial1',
  },
});
