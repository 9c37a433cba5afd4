/**
 * Shortens text for boards that cannot inflate: codes from 128 on stand for phrases, each of them
 * two earlier codes joined, so that a board makes the table with one addition a phrase and the text
 * with one look-up a byte (firmware-helpers/boot-packed.py). Text below 128 stands for itself.
 */

const FIRST_CODE = 128;
/** A code is one byte. */
const PHRASES_MAX = 128;

/** What begins alike, character by character; a code where a phrase ends. */
interface Branch {
  code: number | null;
  readonly next: Map<number, Branch>;
}

export class PackedText {
  /** The two codes of each phrase, as a board is told them. */
  readonly pairs: Uint8Array;
  readonly #root: Branch = { code: null, next: new Map() };

  /** Throws where a phrase is not made of two that come before it. */
  constructor(phrases: readonly string[]) {
    if (phrases.length > PHRASES_MAX) throw new Error('a byte has no code for so many phrases');
    const codes = new Map<string, number>();
    const add = (phrase: string, code: number) => {
      codes.set(phrase, code);
      this.#branchOf(phrase).code = code;
    };
    for (let code = 0; code < FIRST_CODE; code += 1) add(String.fromCharCode(code), code);
    const pairs = phrases.map((phrase, at) => {
      const pair = pairOf(phrase, codes);
      add(phrase, FIRST_CODE + at);
      return pair;
    });
    this.pairs = Uint8Array.from(pairs.flat());
  }

  /** The fewest codes that make this text. Throws where it is not ASCII. */
  pack(text: string): Uint8Array {
    // From the end on: the fewest codes that the rest takes, the first of them, and where it ends.
    const counts = new Uint32Array(text.length + 1);
    const codes = new Uint8Array(text.length);
    const ends = new Uint32Array(text.length);
    for (let at = text.length - 1; at >= 0; at -= 1) {
      counts[at] = text.length + 1;
      let branch = this.#root.next.get(text.charCodeAt(at));
      if (branch === undefined) throw new Error(`a source may hold ASCII only, not ${text[at]}`);
      for (let end = at + 1; branch !== undefined; end += 1) {
        const count = 1 + (counts[end] as number);
        if (branch.code !== null && count < (counts[at] as number)) {
          counts[at] = count;
          codes[at] = branch.code;
          ends[at] = end;
        }
        branch = end < text.length ? branch.next.get(text.charCodeAt(end)) : undefined;
      }
    }
    const packed = new Uint8Array(counts[0] as number);
    for (let at = 0, to = 0; at < text.length; at = ends[at] as number, to += 1)
      packed[to] = codes[at] as number;
    return packed;
  }

  /** Where a phrase ends, made if it is new. */
  #branchOf(phrase: string): Branch {
    let at = this.#root;
    for (const letter of Buffer.from(phrase)) {
      const next: Branch = at.next.get(letter) ?? { code: null, next: new Map() };
      at.next.set(letter, next);
      at = next;
    }
    return at;
  }
}

function pairOf(phrase: string, codes: ReadonlyMap<string, number>): readonly [number, number] {
  for (let at = 1; at < phrase.length; at += 1) {
    const first = codes.get(phrase.slice(0, at));
    const second = codes.get(phrase.slice(at));
    if (first !== undefined && second !== undefined) return [first, second];
  }
  throw new Error(`the phrase ${JSON.stringify(phrase)} is not made of two earlier ones`);
}
