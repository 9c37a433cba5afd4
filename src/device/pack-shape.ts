/** How large the encoder's buffers are on a board, by the memory that the probe found. Pure. */

/** Buffers of the encoder on a board; firmware-helpers/deflate.md has what that is worth. */
export interface PackShape {
  readonly ringBytes: number;
  readonly slots: number;
  readonly ways: number;
  /** bootSum of what the encoder makes of its own first kilobyte; printed by pack-shape.test.ts when it is wrong. */
  readonly checksum: number;
  /** Memory that the probe must have found free: buffers, the encoder's code, 10 kB to compile it, the agent. */
  readonly freeBytesMin: number;
}

export const PACK_SHAPES: readonly PackShape[] = [
  { ringBytes: 16_384, slots: 1024, ways: 8, checksum: 16_285_102, freeBytesMin: 128 * 1024 },
  { ringBytes: 8192, slots: 1024, ways: 8, checksum: 16_285_102, freeBytesMin: 80 * 1024 },
  { ringBytes: 8192, slots: 512, ways: 4, checksum: 11_251_353, freeBytesMin: 52 * 1024 },
  { ringBytes: 4096, slots: 512, ways: 4, checksum: 7_848_400, freeBytesMin: 44 * 1024 },
  { ringBytes: 2048, slots: 128, ways: 4, checksum: 7_531_178, freeBytesMin: 36 * 1024 },
];

/** The best shape for a board; null where it has no room. */
export function packShape(freeMemoryBytes: number | null): PackShape | null {
  return PACK_SHAPES.find((shape) => (freeMemoryBytes ?? 0) >= shape.freeBytesMin) ?? null;
}
