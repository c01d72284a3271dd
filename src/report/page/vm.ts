/** Of node:vm what a filter's regular expressions need; a browser itself offers to stop a page that does not answer. */
export function createContext<Of>(context: Of): Of {
  return context;
}

export class Script {
  runInContext({ search, subject }: { search: RegExp; subject: string }): boolean {
    return search.test(subject);
  }
}
