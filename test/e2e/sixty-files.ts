/** The tree of the end-to-end tests: 60 files with everything that a wire or a name could break. */
export function sixtyFiles(): Record<string, string | Uint8Array | null> {
  const allBytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  const files: Record<string, string | Uint8Array | null> = {
    'boot.py': '# nothing to do\n',
    'main.py': 'print("started")\n',
    'empty.txt': '',
    'empty folder': null,
    'deep/er/and/deeper': null,
    'lib/control.bin': Uint8Array.from([3, 4, 13, 10, 3, 3, 4, 4, 13, 10, 0, 255]),
    'lib/all-bytes.bin': allBytes,
    'lib/all-bytes-16-times.bin': Uint8Array.from({ length: 4096 }, (_, at) => at & 255),
    'lib/only-ctrl-c.bin': new Uint8Array(1000).fill(3),
    'lib/only-ctrl-d.bin': new Uint8Array(1000).fill(4),
    'lib/crlf.txt': 'line\r\nline\r\n'.repeat(50),
    'big.bin': noise(200_000),
    "it's.py": 'quote = 1\n',
    'double"quote.py': 'quote = 2\n',
    'with space.txt': 'space',
    '#hash.txt': 'hash',
    '100%.txt': 'percent',
    'größe-ß-日本.txt': 'names are bytes',
    [`${'n'.repeat(96)}.txt`]: 'a name of 100 characters',
  };
  const missing = 60 - Object.values(files).filter((content) => content !== null).length;
  for (let at = 0; at < missing; at += 1) {
    const text = `def f${at}(x):\n    return x * ${at}\n`.repeat(1 + (at % 30));
    files[`pkg${at % 5}/module_${at}.py`] = text;
  }
  return files;
}

/** Bytes that do not compress, the same each time. */
export function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}
