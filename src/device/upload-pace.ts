/** How fast bytes may go up without being lost, by what stands behind the board's input. Pure. */

/** How much goes up at once, by what stands behind the board's input. */
export interface UploadPace {
  /** Bytes that the board has not acknowledged. */
  readonly windowBytes: number;
  /** What the agent takes and acknowledges at once. */
  readonly pieceBytes: number;
  readonly payloadBytes: number;
  /** Frames that the agent holds: one that it works on, and those that come meanwhile. */
  readonly frames: number;
}

/** The smallest ring of boards with a UART holds 255 bytes (ESP8266; ESP32 259): two pieces fit. */
const UART = { windowBytes: 254, pieceBytes: 127 } as const;
/** USB makes the host wait by itself. */
const USB = { windowBytes: 2048, pieceBytes: 512 } as const;
/**
 * By the memory that is free: several frames smooth what the flash and the wire do at their own pace,
 * and turning the bits of a payload of more than 240 bytes, which has more than one mask, takes numbers
 * as long as it.
 */
const FRAMES = [
  { freeBytesMin: 96 * 1024, payloadBytes: 1920, frames: 4 },
  { freeBytesMin: 64 * 1024, payloadBytes: 960, frames: 2 },
  { freeBytesMin: 0, payloadBytes: 200, frames: 2 },
] as const;
/** On a wire that damages, a longer frame costs more than its head saves. */
const DAMAGED_PAYLOAD_BYTES = 960;

export function uploadPace(board: {
  readonly backPressure: boolean;
  readonly freeMemoryBytes: number | null;
}): UploadPace {
  const free = board.freeMemoryBytes ?? 0;
  const { payloadBytes, frames } = FRAMES.find((each) => free >= each.freeBytesMin) ?? FRAMES[2];
  return { ...(board.backPressure ? USB : UART), payloadBytes, frames };
}

/** What a frame carries. */
export function payloadBytesFor({ payloadBytes }: UploadPace, isDamaging: boolean): number {
  return isDamaging ? Math.min(DAMAGED_PAYLOAD_BYTES, payloadBytes) : payloadBytes;
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
