/**
 * A folder as LittleFS keeps it: metadata pairs, each a log that every change is appended to and
 * that is compacted into its other block when it is full, in halves once what is alive takes more
 * than half a block. Sizes are those of lfs2.c: tags of 4 bytes, a time stamp of 8, 20 for what ends
 * a commit, every commit padded to the program size.
 */

const TAG_BYTES = 4;
const TIME_BYTES = 8;
const POINTER_BYTES = 8;
const END_BYTES = 20;
const REVISION_BYTES = 4;
const TAIL_BYTES = TAG_BYTES + POINTER_BYTES;
/** What a move between two pairs notes in both, until the old entry is gone. */
const MOVE_BYTES = TAG_BYTES + 12;
const ENTRIES_MAX = 255;

/** An entry's own bytes: `inlineBytes` of content, null where it has blocks or is a folder. */
export interface EntryShape {
  readonly kind: 'file' | 'folder';
  readonly nameBytes: number;
  readonly inlineBytes: number | null;
}

const structBytes = (entry: EntryShape) => TAG_BYTES + (entry.inlineBytes ?? POINTER_BYTES);
const timeBytes = (entry: EntryShape) => (entry.kind === 'file' ? TAG_BYTES + TIME_BYTES : 0);
const liveBytes = (entry: EntryShape) =>
  TAG_BYTES + entry.nameBytes + structBytes(entry) + timeBytes(entry);

/** Bytes that each change appends to the log. */
export const LOG_BYTES = {
  create: (entry: EntryShape) => 2 * TAG_BYTES + entry.nameBytes + structBytes(entry),
  makeFolder: (entry: EntryShape) =>
    2 * TAG_BYTES + entry.nameBytes + structBytes(entry) + TAIL_BYTES,
  close: (entry: EntryShape) => structBytes(entry) + timeBytes(entry),
  remove: TAG_BYTES,
  /** Within one pair the old entry goes in the same commit. */
  moveWithin: (entry: EntryShape) => 2 * TAG_BYTES + liveBytes(entry),
  moveTo: (entry: EntryShape) => TAG_BYTES + liveBytes(entry) + MOVE_BYTES,
  moveFrom: TAG_BYTES + MOVE_BYTES,
} as const;

export interface FlashCost {
  readonly erasedBlocks: number;
  readonly programmedBytes: number;
}

interface Pair {
  /** Bytes of each living entry, by name. */
  readonly alive: Map<string, number>;
  usedBytes: number;
}

export class FolderLog {
  readonly #blockBytes: number;
  readonly #programBytes: number;
  readonly #spend: (cost: FlashCost) => void;
  /** In the order of their names. */
  #pairs: Pair[] = [{ alive: new Map(), usedBytes: 0 }];

  constructor(
    geometry: { readonly blockBytes: number; readonly programBytes: number },
    spend: (cost: FlashCost) => void,
  ) {
    this.#blockBytes = geometry.blockBytes;
    this.#programBytes = geometry.programBytes;
    this.#spend = spend;
    (this.#pairs[0] as Pair).usedBytes = this.#aligned(REVISION_BYTES + TAIL_BYTES + END_BYTES);
  }

  get pairs(): number {
    return this.#pairs.length;
  }

  /** Both names lie in one pair. */
  arePaired(one: string, other: string): boolean {
    return this.#pairOf(one) === this.#pairOf(other);
  }

  /** One commit: `entry` is what `name` is from now on, null where it is gone. */
  commit(name: string, logBytes: number, entry: EntryShape | null): void {
    const pair = this.#pairOf(name);
    if (entry !== null) pair.alive.set(name, liveBytes(entry));
    else if (pair.alive.delete(name) && pair.alive.size === 0 && this.#drop(pair)) return;
    this.#append(pair, logBytes);
  }

  /** A pair without entries is taken out of the list: the one before it points to the next. */
  #drop(pair: Pair): boolean {
    const at = this.#pairs.indexOf(pair);
    if (at === 0) return false;
    this.#pairs.splice(at, 1);
    this.#append(this.#pairs[at - 1] as Pair, TAIL_BYTES);
    return true;
  }

  /** One commit in which an entry gets another name of the same pair. */
  rename(from: string, to: string, logBytes: number, entry: EntryShape): void {
    const pair = this.#pairOf(from);
    pair.alive.delete(from);
    pair.alive.set(to, liveBytes(entry));
    this.#append(pair, logBytes);
  }

  #append(pair: Pair, logBytes: number): void {
    const bytes = this.#aligned(logBytes + END_BYTES);
    if (pair.usedBytes + bytes > this.#blockBytes) {
      this.#compact(pair);
      return;
    }
    pair.usedBytes += bytes;
    this.#spend({ erasedBlocks: 0, programmedBytes: bytes });
  }

  /** The upper half goes to a new pair as long as what is left takes more than half a block. */
  #compact(pair: Pair): void {
    const names = [...pair.alive.keys()].sort();
    const sizes = names.map((name) => pair.alive.get(name) as number);
    const sum = (from: number, to: number) =>
      sizes.slice(from, to).reduce((total, size) => total + size, 0);
    let end = names.length;
    for (;;) {
      let split = 0;
      while (
        end - split > 1 &&
        (end - split >= ENTRIES_MAX || sum(split, end) > this.#blockBytes / 2)
      )
        split += Math.floor((end - split) / 2);
      if (split === 0) break;
      const upper: Pair = { alive: new Map(), usedBytes: 0 };
      for (const name of names.slice(split, end)) {
        upper.alive.set(name, pair.alive.get(name) as number);
        pair.alive.delete(name);
      }
      this.#pairs.splice(this.#pairs.indexOf(pair) + 1, 0, upper);
      this.#writeAnew(upper, sum(split, end));
      end = split;
    }
    this.#writeAnew(pair, sum(0, end));
  }

  #writeAnew(pair: Pair, aliveBytes: number): void {
    pair.usedBytes = this.#aligned(REVISION_BYTES + aliveBytes + TAIL_BYTES + END_BYTES);
    this.#spend({ erasedBlocks: 1, programmedBytes: pair.usedBytes });
  }

  #aligned(bytes: number): number {
    return Math.ceil(bytes / this.#programBytes) * this.#programBytes;
  }

  #pairOf(name: string): Pair {
    return (
      this.#pairs.findLast((pair, at) => at > 0 && firstName(pair) <= name) ??
      (this.#pairs[0] as Pair)
    );
  }
}

function firstName(pair: Pair): string {
  let first: string | null = null;
  for (const name of pair.alive.keys()) if (first === null || name < first) first = name;
  return first ?? '';
}
