const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission is missing',
  EPERM: 'permission is missing',
  EROFS: 'the file system is mounted read-only',
  ENOENT: 'its folder is not there',
  ENOTDIR: 'what is named as its folder is none',
  EISDIR: 'a folder is in the way of one of its files',
  ENAMETOOLONG: 'its name is too long',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EFBIG: 'it would become larger than files may be here',
  EIO: 'the disk reports an error (EIO)',
  EMFILE: 'this process has too many files open',
  EEXIST: 'another process has just made a file of this name',
};

/** Why the disk refused, for one line. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? message;
}
