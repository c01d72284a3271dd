import type { Finding } from '../../finding.js';
import { journalsOf, lockHolder, type StateFolders } from '../../journal/index.js';
import { type DeviceRequest, subjectOf } from '../device.js';

/** Whether another VM has the device, or a run that crashed has not been cleaned up after. */
export function checkClaims(
  requests: readonly DeviceRequest[],
  folders: StateFolders,
  sysroot: string,
): Finding[] {
  const journals = journalsOf(folders.journal, sysroot);
  return requests.map((request) => {
    const { name } = request;
    const subject = subjectOf(request);
    const about = { id: `vfio.claim/${name}`, device: name };
    const holder = lockHolder(subject, folders.locks);
    if (holder)
      return {
        ...about,
        status: 'fail',
        what: `${name} is taken by VM ${holder.vm} (process ${holder.pid})`,
        evidence: `a lock in ${folders.locks}`,
        fix: `gpuvm stop ${holder.vm}`,
      };
    const left = journals.find(
      (journal) => journal.subjects.includes(subject) && journal.state === 'abandoned',
    );
    if (left)
      return {
        ...about,
        status: 'fail',
        what: `${name} was not given back by ${left.vm}, which was killed`,
        evidence: left.file,
        fix: 'gpuvm recover',
      };
    return {
      ...about,
      status: 'ok',
      what: `no other VM has ${name}`,
      evidence: `${folders.locks}, ${folders.journal}`,
    };
  });
}
