import { createHash } from 'node:crypto';
import type { Summary } from '../data/summary.js';
import type { PageCode } from './page-code.js';

/** Text in HTML, or in an attribute between double quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON that stands in a script element: nothing in it ends the element, or begins another. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/**
 * Everything before the data. The policy lets no more run than this page's own script and style, by their hashes, and
 * nothing be fetched, whatever a capture holds.
 */
export function pageHead(summary: Summary, { script, style }: PageCode): string {
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="gpuvm ${escapeHtml(summary.version)}">
<title>${escapeHtml(summary.title)}</title>
<style>${style}</style>
</head>
<body>
<noscript>${escapeHtml(plainly(summary))}: this page needs JavaScript to show them.</noscript>
<script type="application/json" id="summary">${scriptJson(summary)}</script>
<script>${script}</script>
`;
}

export const DATA_START = '<script type="application/octet-stream" class="data">';
export const DATA_END = '</script>\n';
export const PAGE_END = '</body>\n</html>\n';

function plainly({ transfers, vms, denials }: Summary): string {
  const refused = denials.reduce((sum, { count }) => sum + count, 0);
  return `${transfers} transfers of ${vms.length} VMs, ${refused} refused`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
