/**
 * JSON documents of a stream, one a line; the bound is on one line.
 * @throws RangeError for a line beyond the bound, SyntaxError for one that is not JSON
 */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<unknown> {
  let rest: Buffer[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...rest, chunk.subarray(start, end)]);
      rest = [];
      held = 0;
      start = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString('utf8'));
    }
    if (start < chunk.length) {
      rest.push(Buffer.from(chunk.subarray(start)));
      held += chunk.length - start;
      if (held > maxLineBytes) throw new RangeError(`a line exceeds ${maxLineBytes} bytes`);
    }
  }
  if (held > 0) yield JSON.parse(Buffer.concat(rest).toString('utf8'));
}
