import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** What the examples of a page take for granted. */
const pages: Record<string, string> = {
  'docs/qmp.md': `
    import { QmpClient } from 'gpuvm/qmp';
    import type { ChildProcess } from 'node:child_process';
    import { open, readFile, writeFile } from 'node:fs/promises';
    declare const child: ChildProcess;
    declare const path: string;
    declare function keep(fd: number, state: string): Promise<void>;
    declare function kept(): Promise<string>;`,
  'docs/devicetree.md': `
    import { QmpClient } from 'gpuvm/qmp';`,
};
const made = /const qmp =/;
const given = 'declare const qmp: QmpClient;';

interface Example {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

function examplesOf(page: string, preamble: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map((match, index) => {
    const [, code] = match as unknown as [string, string];
    // Imports of the example's own may repeat those of the preamble.
    const own = new Set(
      [...code.matchAll(/import \{ ([^}]+) \}/g)].flatMap(([, names]) => names!.split(', ')),
    );
    const before = preamble.replace(/import \{ (\w+) \}[^\n]*/g, (line, name: string) =>
      own.has(name) ? '' : line,
    );
    return {
      file: join(root, `${page}.${index}.mts`),
      line: text.slice(0, match.index).split('\n').length,
      text: `${before}\n${made.test(code) ? '' : given}\n${code}\nexport {};\n`,
    };
  });
}

/** Compiles texts that are in no file, as a user of the package would: what is wrong, by file. */
function compile(examples: readonly Example[]): Map<string, string[]> {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    paths: {
      'gpuvm/qmp': [join(root, 'src/qmp/index.ts')],
      'gpuvm/devicetree': [join(root, 'src/devicetree/index.ts')],
    },
  };
  const texts = new Map(examples.map(({ file, text }) => [file, text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.getSourceFile = (file, language, ...rest) => {
    const text = texts.get(file);
    return text === undefined
      ? getSourceFile(file, language, ...rest)
      : ts.createSourceFile(file, text, language);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  const wrong = ({ file, line }: Example) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) =>
        `the example at line ${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  };
  return new Map(examples.map((example) => [example.file, wrong(example)]));
}

const examples = Object.entries(pages).map(([page, preamble]) => ({ page, all: examplesOf(page, preamble) }));
const mistaken: Example = {
  file: join(root, 'docs/mistaken.mts'),
  line: 1,
  text: `${pages['docs/qmp.md']}\n${given}\nconst code: number = await qmp.execute('query-name');\nexport {};`,
};
let results: Map<string, string[]>;

// One compilation for all, which on a busy machine takes its time.
beforeAll(() => {
  results = compile([...examples.flatMap(({ all }) => all), mistaken]);
}, 180_000);

describe('the examples of', () => {
  it.each(examples)('$page type-check', ({ all }) => {
    expect(all.length).toBeGreaterThan(3);
    expect(all.flatMap(({ file }) => results.get(file))).toEqual([]);
  });

  it('a page are looked at closely', () => {
    expect(results.get(mistaken.file)).toHaveLength(1);
  });
});
