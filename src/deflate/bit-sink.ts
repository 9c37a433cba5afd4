/** Bits as bytes, the first one lowest. */
export class BitSink {
  #bytes = new Uint8Array(4096);
  #length = 0;
  #bits = 0;
  #count = 0;

  /** At most 16 bits. */
  add(bits: number, count: number): void {
    this.#bits |= bits << this.#count;
    this.#count += count;
    for (; this.#count >= 8; this.#count -= 8) {
      this.#room(1);
      this.#bytes[this.#length] = this.#bits & 255;
      this.#length += 1;
      this.#bits >>>= 8;
    }
  }

  /** How many are missing to the end of a byte after `more` others. */
  bitsToByte(more: number): number {
    return -(this.#count + more) & 7;
  }

  /** Zeros to the end of a byte that was begun. */
  fillByte(): void {
    this.add(0, this.bitsToByte(0));
  }

  /** Only where no byte is begun. */
  addBytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The bytes that are whole. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const longer = new Uint8Array(2 * (this.#length + bytes));
    longer.set(this.#bytes);
    this.#bytes = longer;
  }
}
