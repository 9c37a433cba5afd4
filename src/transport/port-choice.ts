/** Which port is the board, and how its modem lines are treated. Pure. */
import type { PortDescription } from './byte-port.js';
export type { PortDescription } from './byte-port.js';
