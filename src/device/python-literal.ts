/** What Python's repr() prints of plain values, read back: the answers of the probe. */

export type Literal =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Literal[]
  | { readonly [key: string]: Literal };

/** Tuples and lists become arrays. Throws SyntaxError for anything else than such a value. */
export function parseLiteral(text: string): Literal {
  const parser = new LiteralParser(text);
  const value = parser.value();
  parser.end();
  return value;
}

const DEPTH_MAX = 20;

class LiteralParser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    this.#blanks();
    if (this.#at < this.#text.length) this.#fail();
  }

  value(): Literal {
    this.#blanks();
    const rest = this.#text.slice(this.#at, this.#at + 40);
    const word = /^(None|True|False)\b/.exec(rest)?.[1];
    if (word !== undefined) {
      this.#at += word.length;
      return word === 'None' ? null : word === 'True';
    }
    const number = /^-?\d+(\.\d+)?(e[-+]?\d+)?/.exec(rest)?.[0];
    if (number !== undefined) {
      this.#at += number.length;
      return Number(number);
    }
    if (/^b?['"]/.test(rest)) return this.#string();
    if (rest[0] === '(' || rest[0] === '[') return this.#list(rest[0] === '(' ? ')' : ']');
    return this.#fail();
  }

  #list(close: string): Literal {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) this.#fail();
    this.#at += 1;
    const items: Literal[] = [];
    for (;;) {
      this.#blanks();
      if (this.#text[this.#at] === close) break;
      // An attrtuple prints as (name=value, ...).
      const key = /^[A-Za-z_]\w*=/.exec(this.#text.slice(this.#at, this.#at + 40))?.[0];
      if (key !== undefined) this.#at += key.length;
      items.push(this.value());
      this.#blanks();
      if (this.#text[this.#at] === ',') this.#at += 1;
      else if (this.#text[this.#at] !== close) this.#fail();
    }
    this.#at += 1;
    this.#depth -= 1;
    return items;
  }

  #string(): string | Uint8Array {
    const isBytes = this.#text[this.#at] === 'b';
    if (isBytes) this.#at += 1;
    const quote = this.#text[this.#at] as string;
    this.#at += 1;
    let out = '';
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character === '\n') this.#fail();
      this.#at += 1;
      if (character === quote) break;
      out += character === '\\' ? this.#escape() : character;
    }
    return isBytes ? Uint8Array.from(out, (each) => each.charCodeAt(0)) : out;
  }

  #escape(): string {
    const match = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt0\\'"]))/.exec(
      this.#text.slice(this.#at, this.#at + 9),
    );
    if (match === null) return this.#fail();
    this.#at += match[0].length;
    const code = match[1] ?? match[2] ?? match[3];
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
    return { n: '\n', r: '\r', t: '\t', '0': '\0' }[match[4] as string] ?? (match[4] as string);
  }

  #blanks(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1;
  }

  #fail(): never {
    throw new SyntaxError(
      `no Python literal at ${this.#at}: ${this.#text.slice(this.#at, this.#at + 20)}`,
    );
  }
}
