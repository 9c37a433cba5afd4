/** The block header that firmware-helpers/deflate.py keeps. */

/** A code length as it is, or as often again as `repeat` says (RFC 1951: symbol 16, 3 to 6). */
interface Item {
  readonly length: number;
  readonly repeat: number;
}

/**
 * The header of a block that is not the last, with 286 + 30 code lengths, as one number whose low
 * bits go first. Its code length code is 4 bits for each of 0..14 and 16; it fills whole bytes.
 */
export function blockHeader(lengths: readonly number[]): { value: bigint; sizeBytes: number } {
  const items = wholeBytes(itemsOf(lengths));
  let value = 0n;
  let at = 0;
  const add = (bits: number, count: number) => {
    value |= BigInt(bits) << BigInt(at);
    at += count;
  };
  add(0b100, 3);
  add(286 - 257, 5);
  add(30 - 1, 5);
  add(19 - 4, 4);
  for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]) {
    add(symbol < 15 || symbol === 16 ? 4 : 0, 3);
  }
  for (const { length, repeat } of items) {
    if (repeat > 0) add(15 | ((repeat - 3) << 4), 6);
    else add(reversedNibble(length), 4);
  }
  return { value, sizeBytes: at / 8 };
}

function itemsOf(lengths: readonly number[]): Item[] {
  const items: Item[] = [];
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at] as number;
    let run = 1;
    while (lengths[at + run] === length) run += 1;
    at += run;
    items.push({ length, repeat: 0 });
    for (run -= 1; run > 2; run -= Math.min(run, 6))
      items.push({ length, repeat: Math.min(run, 6) });
    for (; run > 0; run -= 1) items.push({ length, repeat: 0 });
  }
  return items;
}

/** Spells a few repeats out (each changes the size by 6 or 4 bits) until the header is whole bytes. */
function wholeBytes(items: Item[]): Item[] {
  const sizeBits = (all: Item[]) => all.reduce((sum, item) => sum + (item.repeat > 0 ? 6 : 4), 74);
  let spelled = items;
  while (sizeBits(spelled) % 8 !== 0) {
    const last = spelled.findLastIndex((item) => item.repeat > 0);
    if (last < 0) throw new Error('no repeat left to spell out');
    const { length, repeat } = spelled[last] as Item;
    const shorter: Item[] =
      repeat > 3
        ? [
            { length, repeat: repeat - 1 },
            { length, repeat: 0 },
          ]
        : Array.from({ length: 3 }, () => ({ length, repeat: 0 }));
    spelled = [...spelled.slice(0, last), ...shorter, ...spelled.slice(last + 1)];
  }
  return spelled;
}

function reversedNibble(value: number): number {
  return ((value & 1) << 3) | ((value & 2) << 1) | ((value & 4) >> 1) | (value >> 3);
}
