import { type Document, isAlias, isScalar, type ParsedNode, visit, type YAMLError } from 'yaml';

/** What is wrong with a text as YAML, in words for people; `offset` counts from its start. */
export interface YamlMistake {
  readonly message: string;
  readonly offset: number;
}

/** The parser's words are for who knows YAML's own; these are for the usual slips. */
const words: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab: YAML is indented with spaces',
  MULTIPLE_DOCS: 'a second document begins: a VM file is one',
  BLOCK_AS_IMPLICIT_KEY: 'text with ": " in it must be in quotation marks',
  NON_STRING_KEY: 'a key must be text',
  TAG_RESOLVE_FAILED: 'a tag that is not known',
};

export function yamlMistakes(document: Document.Parsed<ParsedNode>, text: string): YamlMistake[] {
  // A tag that means nothing is a warning to the parser.
  const problems = [...document.errors, ...document.warnings];
  const spoken = problems.map((problem) => ({ message: wordsFor(problem, text), offset: problem.pos[0] }));
  return [...spoken, ...withinValues(document)];
}

function wordsFor({ code, message, pos }: YAMLError, text: string): string {
  if (code === 'DUPLICATE_KEY') return `${keyAt(text, pos[0])} is there twice`;
  return words[code] ?? `not YAML: ${message.split('\n', 1)[0]}`;
}

function keyAt(text: string, offset: number): string {
  const [key] = /^(?:"[^"\n]{0,60}"?|'[^'\n]{0,60}'?|[^\s:,{}"'[\]]{1,60})/.exec(text.slice(offset)) ?? [
    'a key',
  ];
  return key;
}

/** What the parser lets pass: names of nothing, and YAML's reading 0660 and 0955 as decimal numbers. */
function withinValues(document: Document.Parsed<ParsedNode>): YamlMistake[] {
  const found: YamlMistake[] = [];
  const anchors = new Set<string>();
  visit(document, {
    Node(_key, node) {
      const offset = node.range?.[0] ?? 0;
      if (isAlias(node)) {
        if (!anchors.has(node.source))
          found.push({
            message: `*${node.source.slice(0, 60)} names nothing: there is no such anchor before it`,
            offset,
          });
        return;
      }
      if ('anchor' in node && node.anchor) anchors.add(node.anchor);
      if (!isScalar(node) || typeof node.value !== 'number' || !/^[-+]?0[0-9]+$/.test(node.source ?? ''))
        return;
      const { source, value } = node;
      const message = `${source} would be read as ${value}: leave the zero out, or put it in quotation marks`;
      found.push({ message, offset });
    },
  });
  return found;
}
