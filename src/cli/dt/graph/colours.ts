import type { BoxKind } from './graph.js';

/** What each colour stands for, in light and in dark. */
export const colours: Readonly<Record<BoxKind, readonly [meaning: string, light: string, dark: string]>> = {
  device: ['device for the VM', '#f4a9b1', '#8f2f3d'],
  along: ['must go along', '#f2a65a', '#8f5a20'],
  gone: ['gone from the host with it', '#fbdcb8', '#5f4526'],
  own: ["the VM's alone", '#cfe6bd', '#3d5c30'],
  shared: ['shared with the host', '#ffd84d', '#7d6500'],
  stream: ['IOMMU stream', '#d9cdea', '#4f3d6b'],
  memory: ['reserved memory', '#dfe7ee', '#3a4652'],
  link: ['reference to the device', '#e7e5e4', '#44403c'],
  host: ['stays on the host', '#a9d0ec', '#2c5572'],
  off: ['switched off on the host', '#ffffff', '#1c1917'],
};
