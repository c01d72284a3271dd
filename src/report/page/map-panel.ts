import { el } from './dom.js';

/** The VM's memory map: a document of its own that is shown as a picture, so nothing in it can run. */
export function mapPanel(document: string): HTMLElement {
  const bytes = new TextEncoder().encode(document);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const alt = "The guest's memory; gpuvm plan prints it as a table";
  return el(
    'div',
    { class: 'panel map' },
    el('img', { src: `data:image/svg+xml;base64,${btoa(binary)}`, alt }),
  );
}
