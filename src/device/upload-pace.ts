/** How fast bytes may go up without being lost, by what stands behind the board's input. Pure. */

/** How much goes up at once, by what stands behind the board's input. */
export interface UploadPace {
  /** Bytes that the board has not acknowledged. */
  readonly windowBytes: number;
  /** What the agent takes and acknowledges at once. */
  readonly pieceBytes: number;
  readonly payloadBytes: number;
}

/** The smallest ring of boards with a UART holds 256 bytes; losses were seen beyond 240. */
const UART = { windowBytes: 240, pieceBytes: 120 } as const;
/** USB makes the host wait by itself. */
const USB = { windowBytes: 2048, pieceBytes: 512 } as const;
/** The agent holds two frames; a board that is short of memory gets small ones. */
const ROOMY_BYTES = 64 * 1024;
const PAYLOAD_BYTES = { roomy: 1000, tight: 240 } as const;

export function uploadPace(board: {
  readonly backPressure: boolean;
  readonly freeMemoryBytes: number | null;
}): UploadPace {
  const payloadBytes =
    (board.freeMemoryBytes ?? 0) < ROOMY_BYTES ? PAYLOAD_BYTES.tight : PAYLOAD_BYTES.roomy;
  return { ...(board.backPressure ? USB : UART), payloadBytes };
}

/**
 * USB stacks that run on the boards themselves, by vendor: Raspberry Pi, Espressif, MicroPython,
 * Adafruit, Arduino, NXP, PJRC. What is not among them may be a bridge to a UART, which loses bytes.
 */
const NATIVE_USB = new Set([0x2e8a, 0x303a, 0xf055, 0x239a, 0x2341, 0x1fc9, 0x16c0]);

/** The port is the board's own USB, which makes the host wait instead of losing bytes. */
export function hasBackPressure(vendorId: string | number | null | undefined): boolean {
  const vendor = typeof vendorId === 'string' ? Number.parseInt(vendorId, 16) : vendorId;
  return vendor != null && NATIVE_USB.has(vendor);
}
