import { readdirSync, readFileSync } from 'node:fs';

/** A small overlay that shows one thing: its files, and the directory to build. The name says what kustomize does. */
export type Overlay = {
  readonly name: string;
  readonly root: string;
  readonly files: Record<string, string>;
};

const DIRECTORY = new URL('./overlays/', import.meta.url);

/**
 * Every overlay of the text files beside this one: `### name @ root`, and for each file `=== path` and its content, in which
 * `\\r` stands for a carriage return.
 */
export function readOverlays(): Overlay[] {
  return readdirSync(DIRECTORY)
    .sort()
    .flatMap((file) => readFileSync(new URL(file, DIRECTORY), 'utf8').split(/^### /m).slice(1).map(parse));
}

function parse(text: string): Overlay {
  const [head = '', ...body] = text.split(/^=== /m);
  const [name = '', root = '.'] = head.trim().split(' @ ');
  const files = body.map((part) => {
    const end = part.indexOf('\n');
    return [part.slice(0, end).trim(), part.slice(end + 1).replaceAll('\\r', '\r')] as const;
  });
  return { name, root, files: Object.fromEntries(files) };
}
