/** A cell: its text, and the colour it gets where colours are wanted. */
export type Cell = string | { readonly text: string; readonly color: Color };
export type Color = 'green' | 'yellow' | 'red' | 'blue' | 'grey';

const CODES: Record<Color, string> = { green: '32', yellow: '33', red: '31', blue: '34', grey: '90' };
const GAP = '   ';

/** Columns as wide as their widest cell, the last one as it comes; text goes to the left. No trailing blanks. */
export function table(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  { color }: { color: boolean },
): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => textOf(row[column]).length)),
  );
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, column) => {
        const blank = column === cells.length - 1 ? 0 : widths[column]! - textOf(cell).length;
        return `${color ? painted(cell) : textOf(cell)}${' '.repeat(blank)}`;
      })
      .join(GAP)
      .trimEnd();
  return `${[header, ...rows].map(line).join('\n')}\n`;
}

const textOf = (cell: Cell | undefined): string =>
  harmless(typeof cell === 'object' ? cell.text : (cell ?? ''));

/** Text from elsewhere cannot move the cursor, change colours or begin a new line: control characters become a space. */
export const harmless = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
  text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');

function painted(cell: Cell): string {
  return typeof cell === 'object' ? paint(textOf(cell), cell.color, true) : textOf(cell);
}

export const paint = (text: string, color: Color, wanted: boolean): string =>
  wanted ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text;
