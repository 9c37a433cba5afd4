/** The tokens of uploads read back, by what upload-lz.ts says of them; nothing of it is shared with what writes them. */

/** What the blocks make; throws where they break a promise of the format. */
export function readLz(blocks: Uint8Array, windowBytes: number): Uint8Array {
  const made: number[] = [];
  let at = 0;
  const byte = () => {
    const value = blocks[at];
    if (value === undefined) throw new Error(`a block ends early, at ${at}`);
    at += 1;
    return value;
  };
  const again = (count: number, back: number) => {
    if (back > made.length || back > windowBytes) throw new Error(`${back} back of ${made.length}`);
    if (count > back) throw new Error(`${count} bytes of the last ${back}`);
    const from = made.length - back;
    made.push(...made.slice(from, from + count));
  };
  while (at < blocks.length) {
    const length = (byte() << 8) | byte();
    const start = made.length;
    if (length >= 0x8000) for (let left = length - 0x8000; left > 0; left -= 1) made.push(byte());
    else {
      const end = at + length;
      while (at < end) {
        const token = byte();
        if (token < 0x80) again((token >> 4) + 3, ((token & 15) << 8) | byte());
        else if (token < 0xc0) for (let left = token - 0x7f; left > 0; left -= 1) made.push(byte());
        else again(token - 0xc0 + 4, (byte() << 8) | byte());
      }
      if (at !== end) throw new Error('a token leaves its block');
    }
    if (made.length - start > 1024) throw new Error('a block makes too much');
  }
  return Uint8Array.from(made);
}
