import { type Interface, readInterface } from './interface.js';
import { LINK_TYPE } from './numbers.js';
import type { Report } from './packet.js';

/** No file has so many; one that claims them is not to fill the memory. */
const MOST_INTERFACES = 4096;

/** Whose description could not be read: its packets are passed over without another word. */
const unreadable: Interface = { linkType: -1, snapLength: 0, timeNs: () => 0n };

/** What a section of a file says of all its blocks: their byte order, and the interfaces that packets are of. */
export class Section {
  readonly little: boolean;
  readonly #interfaces: Interface[] = [];

  constructor(little: boolean) {
    this.little = little;
  }

  /** Takes an interface's description, from behind its length to before the length at its end. */
  describe(view: DataView, start: number, end: number, offset: number, report: Report): void {
    const found = readInterface(view, start, end, this.little);
    if (typeof found === 'string') report('damaged', `${found}, at byte ${offset}`, offset);
    if (this.#interfaces.length < MOST_INTERFACES)
      this.#interfaces.push(typeof found === 'string' ? unreadable : found);
    else report('damaged', `more than ${MOST_INTERFACES} interfaces, at byte ${offset}`, offset);
  }

  isOurs(index: number): boolean {
    return this.#interfaces[index]?.linkType === LINK_TYPE;
  }

  /** The interface, where its packets are for us; reports it where they are not. */
  interfaceOf(index: number, offset: number, report: Report): Interface | undefined {
    const found = this.#interfaces[index];
    if (found === undefined)
      report(
        'damaged',
        `the packet at byte ${offset} is of interface ${index}, which is not described`,
        offset,
      );
    else if (found.linkType === LINK_TYPE) return found;
    else if (found !== unreadable) report('foreign', foreignPacket(found.linkType, offset), offset);
    return undefined;
  }
}

export function foreignPacket(linkType: number, offset: number): string {
  return `the packet at byte ${offset} is of link type ${linkType}: transfers are of ${LINK_TYPE}`;
}
