/**
 * A folded block (`>`) as it reads after kustomize has written it once: its writer (go-yaml v3, emitterc.go,
 * yaml_emitter_write_folded_scalar) looks at the start of the text where it should look at the next line. So one line feed
 * more comes before a line that is indented further, and where the text starts with a blank, lines run together.
 */
export function refolded(text: string): string {
  if (text === '' || !isWrittenAsBlock(text)) return text;
  const added = /^\n*[^\n \t]/.test(text) ? 1 : 0;
  let isDeep = true;
  return text.replace(/([^\n]*)(\n+)(?=([^\n]?))/g, (_, line: string, feeds: string, next: string) => {
    if (line !== '') isDeep = isBlank(line[0]!);
    // Nothing is added at the start, nor behind a line that is indented further.
    const written = feeds.length + (isDeep ? 0 : added);
    if (next === '') return line + '\n'.repeat(feeds.length === 1 ? 1 : written);
    const folds = line !== '' && !isDeep && !isBlank(next);
    const read = folds ? written - 1 : written;
    return line + (read === 0 ? ' ' : '\n'.repeat(read));
  });
}

const isBlank = (sign: string) => sign === ' ' || sign === '\t';

/** Blanks at the end of a line, and what cannot be printed, are written in quotes. */
function isWrittenAsBlock(text: string): boolean {
  return !/ (?:\n|$)|[^\t\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text);
}
