/** One line of a difference: kept, taken out or put in. */
export type Line = { readonly how: ' ' | '-' | '+'; readonly text: string };

/** Beyond so many edits the rest counts as replaced: nobody reads it, and the search is quadratic in them. */
const MOST_EDITS = 500;

/**
 * A shortest way from one text to the other in whole lines; of a change, what goes stands before what comes. (E. Myers, "An O(ND)
 * Difference Algorithm and Its Variations", 1986.)
 */
export function diffLines(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - start;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const kept = (lines: readonly string[]): Line[] => lines.map((text) => ({ how: ' ', text }));
  return [
    ...kept(before.slice(0, start)),
    ...tidy(middle(before.slice(start, before.length - tail), after.slice(start, after.length - tail))),
    ...kept(before.slice(before.length - tail)),
  ];
}

function middle(a: readonly string[], b: readonly string[]): Line[] {
  const trace: Map<number, number>[] = [];
  let reached = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(a.length + b.length, MOST_EDITS); edits++) {
    trace.push(new Map(reached));
    const next = new Map(reached);
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (next.get(k - 1) ?? -1) < (next.get(k + 1) ?? -1));
      let x = down ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(trace, a, b);
    }
    reached = next;
  }
  return [...a.map((text): Line => ({ how: '-', text })), ...b.map((text): Line => ({ how: '+', text }))];
}

function walkBack(trace: readonly Map<number, number>[], a: readonly string[], b: readonly string[]): Line[] {
  const lines: Line[] = [];
  let [x, y] = [a.length, b.length];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reached = trace[edits]!;
    const k = x - y;
    const down = k === -edits || (k !== edits && (reached.get(k - 1) ?? -1) < (reached.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const startX = reached.get(from) ?? 0;
    const startY = startX - from;
    const [endX, endY] = edits === 0 ? [0, 0] : down ? [startX, startY + 1] : [startX + 1, startY];
    for (; x > endX && y > endY; y--) lines.push({ how: ' ', text: a[--x]! });
    if (edits > 0) lines.push(down ? { how: '+', text: b[--y]! } : { how: '-', text: a[--x]! });
  }
  return lines.reverse();
}

/** Runs of changes with what goes first. */
function tidy(lines: readonly Line[]): Line[] {
  const out: Line[] = [];
  let [gone, come]: [Line[], Line[]] = [[], []];
  for (const line of [...lines, undefined]) {
    if (line?.how === '-') gone.push(line);
    else if (line?.how === '+') come.push(line);
    else {
      out.push(...gone, ...come);
      [gone, come] = [[], []];
      if (line) out.push(line);
    }
  }
  return out;
}

/** Changed lines with some unchanged ones around; what is left out between is `…`. */
export function withContext(lines: readonly Line[], around = 3): string[] {
  const shown = new Set<number>();
  for (const [index, { how }] of lines.entries())
    if (how !== ' ') for (let near = index - around; near <= index + around; near++) shown.add(near);
  const out: string[] = [];
  for (const [index, { how, text }] of lines.entries()) {
    if (!shown.has(index)) continue;
    if (index > 0 && !shown.has(index - 1)) out.push('@@');
    out.push(`${how}${text}`);
  }
  return out;
}

/** How many lines a reader would say have changed: one that is replaced counts once. */
export function changedLines(lines: readonly Line[]): number {
  let [sum, gone, come] = [0, 0, 0];
  for (const how of [...lines.map((line) => line.how), ' ']) {
    if (how === '-') gone++;
    else if (how === '+') come++;
    else {
      sum += Math.max(gone, come);
      [gone, come] = [0, 0];
    }
  }
  return sum;
}
