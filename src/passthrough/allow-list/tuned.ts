/** A clock whose rate a driver sets as it goes: a tree says of each clock only that it is used. */
export interface TunedClock {
  /** The profile's name. */
  readonly profile: string;
  readonly clocks: readonly string[];
  readonly reason: string;
}

export const tunedClocks: readonly TunedClock[] = [
  {
    profile: 'gpu',
    clocks: ['GPC0CLK', 'GPC1CLK'],
    reason: "the GPU's driver scales it by load",
  },
  {
    profile: 'vic',
    clocks: ['VIC'],
    reason: 'its driver scales it by load',
  },
  {
    profile: 'nvdec',
    clocks: ['NVDEC'],
    reason: 'its driver scales it by load',
  },
  {
    profile: 'nvjpg',
    clocks: ['NVJPG', 'NVJPG1'],
    reason: 'its driver scales it by load',
  },
  {
    profile: 'uart',
    clocks: ['UARTA', 'UARTB', 'UARTC', 'UARTD', 'UARTE', 'UARTF', 'UARTG', 'UARTH', 'UARTI', 'UARTJ'],
    reason: 'its driver sets it for each speed of the line',
  },
];
