/**
 * Text measured in terminal cells. East Asian wide characters and emoji take two, combining marks
 * none (Unicode 15 ranges, the common ones). Exactness beyond that is not promised; a cut never
 * splits a surrogate pair and never comes out wider than asked.
 */

export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) cells += cellsOfCharacter(character.codePointAt(0) as number);
  return cells;
}

function cellsOfCharacter(code: number): number {
  if (code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
  if (code >= 0x300 && code <= 0x36f) return 0;
  if ((code >= 0x1ab0 && code <= 0x1aff) || (code >= 0x20d0 && code <= 0x20ff)) return 0;
  return isWide(code) ? 2 : 1;
}

function isWide(code: number): boolean {
  if (code < 0x1100) return false;
  return (
    code <= 0x115f ||
    (code >= 0x2e80 && code <= 0x303e) ||
    (code >= 0x3041 && code <= 0xa4cf) ||
    (code >= 0xa960 && code <= 0xa97f) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1f64f) ||
    (code >= 0x1f680 && code <= 0x1f9ff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** At most `width` cells from the front; `…` says that something is missing. */
export function cutEnd(text: string, width: number): string {
  if (cellsOf(text) <= width) return text;
  if (width <= 0) return '';
  return `${takeFront([...text], width - 1)}…`;
}

/** Keeps both ends: a path's first folder and its name say more than its middle. */
export function cutMiddle(text: string, width: number): string {
  if (cellsOf(text) <= width) return text;
  if (width < 5) return cutEnd(text, width);
  const back = Math.ceil((width - 1) * 0.6);
  const characters = [...text];
  const tail = [...takeFront([...characters].reverse(), back)].reverse().join('');
  return `${takeFront(characters, width - 1 - cellsOf(tail))}…${tail}`;
}

function takeFront(characters: readonly string[], width: number): string {
  let taken = '';
  let cells = 0;
  for (const character of characters) {
    cells += cellsOfCharacter(character.codePointAt(0) as number);
    if (cells > width) break;
    taken += character;
  }
  return taken;
}

export function padEndCells(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - cellsOf(text)));
}

export function padStartCells(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - cellsOf(text))) + text;
}
