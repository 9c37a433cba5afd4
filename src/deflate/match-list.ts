/** The matches of one place after another, each place's from short and near to long and far. */
export class MatchList {
  /** Where the matches of each place begin in the arrays below; those of the last one end at #count. */
  readonly starts: Uint32Array;
  #lengths = new Uint16Array(1 << 14);
  #distances = new Uint16Array(1 << 14);
  #count = 0;
  #places = 0;

  constructor(placesMax: number) {
    this.starts = new Uint32Array(placesMax + 1);
  }

  get lengths(): Uint16Array {
    return this.#lengths;
  }

  get distances(): Uint16Array {
    return this.#distances;
  }

  /** One more of the place that is being filled. */
  add(length: number, distance: number): void {
    if (this.#count === this.#lengths.length) {
      this.#lengths = doubled(this.#lengths);
      this.#distances = doubled(this.#distances);
    }
    this.#lengths[this.#count] = length;
    this.#distances[this.#count] = distance;
    this.#count += 1;
  }

  /** The place that is being filled has no more. */
  endPlace(): void {
    this.#places += 1;
    this.starts[this.#places] = this.#count;
  }

  /** Forgets the first places; the others move down. */
  drop(places: number): void {
    const gone = this.starts[places]!;
    this.#lengths.copyWithin(0, gone, this.#count);
    this.#distances.copyWithin(0, gone, this.#count);
    this.#count -= gone;
    this.#places -= places;
    for (let at = 0; at <= this.#places; at += 1)
      this.starts[at] = this.starts[at + places]! - gone;
  }
}

function doubled(array: Uint16Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const longer = new Uint16Array(2 * array.length);
  longer.set(array);
  return longer;
}
