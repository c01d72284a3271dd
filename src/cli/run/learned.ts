import { writeFileSync } from 'node:fs';

/** Puts a learned policy where the user wants it, and says what became of it. */
export function keepLearned(text: string, file: string | undefined): string {
  if (file === undefined) return 'what was learned is lost: give --learned FILE to keep it';
  try {
    writeFileSync(file, text);
  } catch (error) {
    return `the policy that was learned cannot be written to ${file}: ${(error as NodeJS.ErrnoException).code}`;
  }
  return `${file} would have allowed what was denied: read it before you use it`;
}
