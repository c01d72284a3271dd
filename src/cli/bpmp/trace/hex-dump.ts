const PER_LINE = 16;

/** Bytes with their offsets and as text, sixteen a line, as tcpdump and tshark show them. */
export function hexDump(title: string, bytes: Uint8Array): string {
  let text = '';
  for (let offset = 0; offset < bytes.length; offset += PER_LINE) {
    const line = bytes.subarray(offset, offset + PER_LINE);
    const digits = Array.from(line, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const shown = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
    const place = offset.toString(16).padStart(4, '0');
    text += `        ${title} ${place}  ${digits.padEnd(3 * PER_LINE)} ${shown.join('')}\n`;
  }
  return text;
}
