const MOST_EVENT_CHARACTERS = 1_000_000;

/**
 * The `data` of each `next` event of a stream, until `complete` or its end (WHATWG HTML, 9.2). Comments, which keep the connection
 * alive, are skipped.
 */
export async function* eventsIn(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    let end = text.indexOf('\n\n');
    while (end >= 0) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) =>
        lines
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).trimStart())
          .join('\n');
      if (field('event') === 'complete') return;
      if (field('event') === 'next') yield field('data');
      end = text.indexOf('\n\n');
    }
    if (text.length > MOST_EVENT_CHARACTERS) throw new Error('an event of the hub is too large');
  }
}
