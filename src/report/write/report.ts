import type { TransferRecord } from '../../bpmp/capture/index.js';
import { Collector } from '../collect/collect.js';
import type { FixOf } from '../collect/denials.js';
import type { Summary } from '../data/summary.js';
import { writePage } from './write.js';

/** Transfers that a page holds one by one; beyond it, it shows every second, fourth … of the ordinary ones. */
const DEFAULT_LIMIT = 200_000;

export interface ReportOptions {
  readonly title: string;
  /** Where the transfers are from, as the user named it. */
  readonly source: string;
  readonly version: string;
  readonly filter?: string;
  readonly wanted?: (record: TransferRecord) => boolean;
  readonly limit?: number;
  readonly fixOf?: FixOf;
  readonly memoryMap?: string;
  /** Asked when all transfers have been read. */
  readonly notices?: () => readonly string[];
}

export interface ReportResult {
  /** The file's size in bytes. */
  readonly size: number;
  readonly summary: Summary;
}

export type Report = AsyncIterable<readonly TransferRecord[]>;

/** Reads all transfers and writes the page; memory stays the same however many there are. */
export async function writeReport(
  path: string,
  transfers: Report,
  options: ReportOptions,
): Promise<ReportResult> {
  const { title, source, version, filter, wanted, limit = DEFAULT_LIMIT, fixOf, memoryMap } = options;
  const collector = new Collector(limit, wanted);
  for await (const batch of transfers) for (const record of batch) collector.add(record);
  const { found, embedded } = collector.finish(fixOf);
  const summary: Summary = {
    title,
    source,
    version,
    madeAt: new Date().toISOString(),
    ...(filter !== undefined && { filter }),
    ...found,
    notices: options.notices?.() ?? [],
    ...(memoryMap !== undefined && { memoryMap }),
  };
  return { size: await writePage(path, summary, embedded), summary };
}
