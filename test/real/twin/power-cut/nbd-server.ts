import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { ByteReader } from './byte-reader.js';
import * as wire from './nbd-wire.js';
import { SECTOR, type VolatileDisk } from './volatile-disk.js';

const LARGEST_REQUEST = 32 * 1024 * 1024;

/** Serves a disk to QEMU (`nbd:unix:PATH`), so that what stays of it after a power cut is ours to decide. */
export class NbdServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #flushMs: number;
  disk: VolatileDisk;
  /** Told before a flush makes anything stay: at no time more is lost by a power cut. */
  onFlush: (disk: VolatileDisk) => void = () => undefined;

  private constructor(disk: VolatileDisk, flushMs: number) {
    this.disk = disk;
    this.#flushMs = flushMs;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      // A client that was killed leaves a write half done, or an answer that nobody reads.
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
      this.#serve(socket)
        .catch(() => undefined)
        .finally(() => socket.destroy());
    });
  }

  /** @param flushMs - how long a flush takes: whoever does not wait for it goes on before it is done */
  static async listen(path: string, disk: VolatileDisk, { flushMs = 0 } = {}): Promise<NbdServer> {
    const server = new NbdServer(disk, flushMs);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen(path, resolve);
    });
    return server;
  }

  /** Resolves when nobody is connected any more: what a client sent before it was killed has been dealt with then. */
  async idle(): Promise<void> {
    await Promise.all(
      [...this.#sockets].map(
        (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
      ),
    );
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(socket: Socket): Promise<void> {
    const reader = new ByteReader(socket);
    if (!(await this.#shakeHands(socket, reader))) return;
    for (;;) {
      const request = wire.parseRequest(await reader.take(wire.REQUEST_SIZE));
      if (!request || request.command === wire.Command.DISCONNECT) return;
      const bytes = request.command === wire.Command.WRITE ? await reader.take(request.length) : NO_BYTES;
      const answer = await this.#answer(request, bytes);
      socket.write(wire.reply(request.cookie, answer === undefined ? wire.EINVAL : 0, answer));
    }
  }

  /** Undefined for what is refused. */
  async #answer(
    { command, flags, offset, length }: wire.Request,
    bytes: Buffer,
  ): Promise<Buffer | undefined> {
    try {
      if (command === wire.Command.READ) return this.disk.read(offset, length);
      if (command === wire.Command.FLUSH) {
        // Only what was written before it, and so nothing else is served meanwhile.
        if (this.#flushMs > 0) await setTimeout(this.#flushMs);
        this.onFlush(this.disk);
        this.disk.flush();
      } else if (command === wire.Command.WRITE) this.disk.write(offset, bytes);
      else if (command === wire.Command.WRITE_ZEROES) this.disk.write(offset, Buffer.alloc(length));
      else if (command !== wire.Command.TRIM) return undefined;
      if (flags & wire.FUA) this.disk.flushPart(offset, length);
      return NO_BYTES;
    } catch {
      return undefined;
    }
  }

  /** True when the client wants to go on to requests. */
  async #shakeHands(socket: Socket, reader: ByteReader): Promise<boolean> {
    const flags = Buffer.alloc(2);
    flags.writeUInt16BE(wire.Handshake.FIXED_NEWSTYLE | wire.Handshake.NO_ZEROES);
    socket.write(Buffer.concat([wire.GREETING, flags]));
    const chosen = (await reader.take(4)).readUInt32BE();
    for (;;) {
      const head = await reader.take(16);
      if (head.readBigUInt64BE() !== wire.OPTION_MAGIC) return false;
      const option = head.readUInt32BE(8);
      const length = head.readUInt32BE(12);
      if (length > 65536) return false;
      await reader.take(length);
      const answer = (type: number, data?: Buffer) => socket.write(wire.optionReply(option, type, data));
      if (option === wire.Option.EXPORT_NAME) {
        const padding = chosen & wire.Handshake.NO_ZEROES ? 0 : 124;
        socket.write(Buffer.concat([wire.exportSize(this.disk.sizeBytes), Buffer.alloc(padding)]));
        return true;
      }
      if (option === wire.Option.GO || option === wire.Option.INFO) {
        answer(wire.OptionReply.INFO, wire.exportInfo(this.disk.sizeBytes));
        answer(wire.OptionReply.INFO, wire.blockSizes(SECTOR, 4096, LARGEST_REQUEST));
        answer(wire.OptionReply.ACK);
        if (option === wire.Option.GO) return true;
      } else if (option === wire.Option.ABORT) {
        answer(wire.OptionReply.ACK);
        return false;
      } else answer(wire.OptionReply.UNSUPPORTED);
    }
  }
}

const NO_BYTES = Buffer.alloc(0);
