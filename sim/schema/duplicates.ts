/** A field of a JSON text, as `spec.containers[0].image`. */
export interface FieldMention {
  readonly path: string;
  /** Whether the same object has it before. */
  readonly again: boolean;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** What the scan is inside of: an object with the keys seen so far, or an array with a place. */
interface Frame {
  readonly path: string;
  readonly keys: Set<string> | undefined;
  index: number;
  key: string;
  expectKey: boolean;
}

/** Every field a JSON text mentions, in its order. The text must be valid JSON: only its nesting is followed. */
export function* fieldsOf(text: string): Generator<FieldMention> {
  const stack: Frame[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const top = stack.at(-1);
    if (token === '{' || token === '[') {
      const isMap = token === '{';
      stack.push({
        path: here(top),
        keys: isMap ? new Set() : undefined,
        index: 0,
        key: '',
        expectKey: isMap,
      });
    } else if (token === '}' || token === ']') {
      stack.pop();
    } else if (token === ',' && top) {
      if (top.keys) top.expectKey = true;
      else top.index++;
    } else if (token.startsWith('"') && top?.keys && top.expectKey) {
      top.key = JSON.parse(token) as string;
      top.expectKey = false;
      yield { path: here(top), again: top.keys.has(top.key) };
      top.keys.add(top.key);
    }
  }
}

function here(frame: Frame | undefined): string {
  if (!frame) return '';
  if (!frame.keys) return `${frame.path}[${frame.index}]`;
  return frame.path ? `${frame.path}.${frame.key}` : frame.key;
}

/** The paths of fields that occur more than once. */
export function duplicateFields(text: string): string[] {
  const again = [...fieldsOf(text)].filter((field) => field.again).map((field) => field.path);
  return [...new Set(again)];
}
