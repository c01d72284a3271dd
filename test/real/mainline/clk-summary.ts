/** One clock as the guest's clk_summary shows it. */
export interface GuestClock {
  readonly parent: string | null;
  readonly prepared: number;
  readonly rate: number;
}

/** Reads /sys/kernel/debug/clk/clk_summary; names in capitals, as the chip's table has them. */
export function readClkSummary(text: string): Map<string, GuestClock> {
  const clocks = new Map<string, GuestClock>();
  const path: string[] = [];
  for (const line of text.split('\n')) {
    // The clock's name is indented by its depth; further consumers of it have lines without one.
    const match = /^( +)(\S+) +\d+ +(\d+) +\d+ +(\d+) /.exec(line);
    if (!match) continue;
    const [, indent, name, prepared, rate] = match;
    const depth = (indent!.length - 1) / 3;
    path.length = depth;
    path[depth] = name!.toUpperCase();
    clocks.set(name!.toUpperCase(), {
      parent: path[depth - 1] ?? null,
      prepared: Number(prepared),
      rate: Number(rate),
    });
  }
  return clocks;
}
