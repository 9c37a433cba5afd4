/**
 * Shortens Python for the wire: comments, blanks and indents go, words become short ones. What the
 * text means stays the same, for what firmware-helpers is written in.
 */

/** A name of the source that would become the same as one of its renamed words; null if none. */
export function nameClash(source: string, renamed: ReadonlyMap<string, string>): string | null {
  const words = new Set(source.replace(/#.*$/gm, '').match(/(?<![.\w\\])[A-Za-z_]\w*(?![\w'"])/g));
  for (const [long, short] of renamed) if (words.has(long) && words.has(short)) return short;
  return null;
}

interface Line {
  readonly indent: number;
  readonly text: string;
}

/**
 * Shortens Python without changing what it means: comments, blanks, indents, statements joined by
 * `;`, words exchanged for `renamed`. Not for f-strings, `else` after a joined body of a lambda, or
 * names that appear as keyword arguments.
 */
export function minifyPython(source: string, renamed: ReadonlyMap<string, string>): string {
  const lines = logicalLines(source, renamed);
  let at = 0;
  const block = (indent: number, depth: number): string[] => {
    const out: string[] = [];
    let joined = '';
    const flush = () => {
      if (joined !== '') out.push(' '.repeat(depth) + joined);
      joined = '';
    };
    while (at < lines.length && (lines[at] as Line).indent >= indent) {
      const { text } = lines[at] as Line;
      at += 1;
      const next = lines[at];
      if (text.endsWith(':') && next !== undefined && next.indent > indent) {
        flush();
        const body = block(next.indent, depth + 1);
        const single = body.length === 1 && !isCompound((body[0] as string).trim());
        if (single) out.push(' '.repeat(depth) + text + (body[0] as string).trim());
        else out.push(' '.repeat(depth) + text, ...body);
      } else if (text.startsWith('@')) {
        flush();
        out.push(' '.repeat(depth) + text);
      } else {
        joined = joined === '' ? text : `${joined};${text}`;
      }
    }
    flush();
    return out;
  };
  return block(0, 0).join('\n');
}

function isCompound(text: string): boolean {
  return /^(if|for|while|try|with|def|class|@)\b/.test(text) || text.startsWith('@');
}

/** Lines with brackets and triple quotes joined, comments and needless blanks gone. */
function logicalLines(source: string, renamed: ReadonlyMap<string, string>): Line[] {
  const lines: Line[] = [];
  let indent = 0;
  let text = '';
  let depth = 0;
  const token =
    /([rbu]{0,2})('''[\s\S]*?'''|"""[\s\S]*?"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|#[^\n]*|\n[ ]*|[A-Za-z0-9_]+|[ ]+|\\\n|[\s\S]/y;
  const add = (piece: string) => {
    const glue = /[A-Za-z0-9_]$/.test(text) && /^[A-Za-z0-9_]/.test(piece) ? ' ' : '';
    text += glue + piece;
  };
  for (;;) {
    const match = token.exec(source);
    if (match === null) break;
    const piece = match[0];
    if (piece.startsWith('\n')) {
      if (depth > 0) continue;
      if (text !== '') lines.push({ indent, text });
      text = '';
      indent = piece.length - 1;
    } else if (piece.startsWith('#') || piece === '\\\n' || piece.trim() === '') continue;
    else {
      if ('([{'.includes(piece)) depth += 1;
      if (')]}'.includes(piece)) depth -= 1;
      const isAttribute = text.endsWith('.');
      if (match[2] !== undefined) add(piece.includes('\n') ? renameInText(piece, renamed) : piece);
      else add(isAttribute ? piece : (renamed.get(piece) ?? piece));
    }
  }
  if (text !== '') lines.push({ indent, text });
  return lines;
}

/** Expressions kept in a text of several lines (probe.py) use the same names. */
function renameInText(text: string, renamed: ReadonlyMap<string, string>): string {
  return text.replace(/(?<![.\w'])[A-Za-z_]\w*(?!['\w])/g, (word) => renamed.get(word) ?? word);
}
