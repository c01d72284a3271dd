import type { TransferRecord } from '../../bpmp/capture/index.js';

/** What `--filter` says of a record; everything passes where it is not given. Throws GPUVM_FILTER for a mistake in it. */
export async function filterOption(
  options: Readonly<Record<string, unknown>>,
): Promise<(record: TransferRecord) => boolean> {
  if (options.filter === undefined) return () => true;
  const { compileFilter } = await import('../../bpmp/filter/index.js');
  return compileFilter(String(options.filter));
}

/** The records of each batch that pass. */
export async function* filtered(
  batches: AsyncIterable<readonly TransferRecord[]>,
  passes: (record: TransferRecord) => boolean,
): AsyncGenerator<readonly TransferRecord[]> {
  for await (const batch of batches) yield batch.filter(passes);
}
