import { DeviceServer, PciDevice } from '../../../../src/bpmp/bridge/vfio-user/library.js';

const DELAY = 0x0;
const STATUS = 0x4;

/** Writing N to DELAY raises the interrupt N ms later. STATUS reads 1 from then on, until 1 is written to it. */
export class AlarmClock extends PciDevice {
  #hasRung = false;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    super({
      // Ids that QEMU leaves to anybody; class: system peripheral, timer.
      identity: { vendor: 0x1af4, device: 0x10ff, classCode: 0x080200, revision: 1, barSizes: [0x1000] },
      hasInterrupt: true,
    });
  }

  protected override isInterruptWanted(): boolean {
    return this.#hasRung;
  }

  protected override readBar(_bar: number, offset: number, into: Uint8Array): void {
    // Any offset and size may come; what is not set stays 0.
    if (offset === STATUS) into[0] = this.#hasRung ? 1 : 0;
  }

  protected override writeBar(_bar: number, offset: number, data: Uint8Array): void {
    if (data.length !== 4) return;
    const value = Buffer.from(data).readUInt32LE(0);
    if (offset === STATUS && value === 1) this.#hasRung = false;
    if (offset === DELAY) this.#start(value);
  }

  protected override resetBars(): void {
    clearTimeout(this.#timer);
    this.#hasRung = false;
  }

  #start(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#hasRung = true;
      this.updateInterrupt();
    }, ms);
  }
}

/** Serves one guest, until it has gone. */
export async function serveAlarmClock(socketPath: string): Promise<void> {
  const server = new DeviceServer(socketPath);
  const end = await server.serve(new AlarmClock());
  server.close();
  if (end.reason === 'fault') console.error(end.message);
}
