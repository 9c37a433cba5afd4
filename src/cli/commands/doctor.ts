/**
 * `doctor`: step by step from this computer to the board's files, how long each step took, and what
 * to do where one fails. With --transcript also every byte of the conversation.
 */
import { writeFileSync } from 'node:fs';
import { displayPath } from '../../core/device-path.js';
import { BelayError, isBelayError } from '../../core/errors.js';
import type { BoardConnection } from '../../device/device-fs.js';
import type { Connect, JobContext } from '../../jobs/context.js';
import type { DeviceRow } from '../../jobs/devices.js';
import { listDevices } from '../../jobs/devices.js';
import { TranscriptRecorder } from '../../transport/transcript.js';
import { countOf, formatBytes, formatDuration } from '../../ui/formats.js';
import { connectorFor, devicesParts, openStore } from '../../wiring.js';
import { withBoardChoice } from '../board-choice.js';
import { asBelayError, STATUS_DONE } from '../exit-status.js';
import type { Session } from '../session.js';
import { adviceFor, inflateText, rungText, writingText } from '../text/doctor-text.js';
import { firmwareText, paint } from '../text/style.js';

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly text: string;
  readonly hint: string | null;
  readonly durationMs: number;
}

/** How much of what the board said last is shown where it stopped making sense. */
const TAIL_CHARACTERS = 300;

export async function run(session: Session): Promise<number> {
  const context = await session.context();
  const recorder = new TranscriptRecorder(() => context.clock.monotonicMs());
  const doctor = new Doctor(session, context, recorder);
  const failure = await doctor.examine();
  const file = session.call.options.transcript as string | undefined;
  if (file !== undefined) writeTranscript(file, recorder, session);
  if (session.json) session.terminal.out(JSON.stringify({ steps: doctor.steps }));
  if (failure !== null) throw failure;
  return STATUS_DONE;
}

class Doctor {
  readonly steps: Step[] = [];
  readonly #session: Session;
  readonly #context: JobContext;
  readonly #recorder: TranscriptRecorder;

  constructor(session: Session, context: JobContext, recorder: TranscriptRecorder) {
    this.#session = session;
    this.#context = context;
    this.#recorder = recorder;
  }

  /** The first failure that ends the examination, or null. */
  async examine(): Promise<BelayError | null> {
    try {
      await this.#try(
        'computer',
        async () => `Node ${process.version}, ${process.platform} ${process.arch}`,
      );
      await this.#try('inflating', async () => {
        const { inflateEngine } = await import('../../device/inflate.js');
        return inflateText(inflateEngine());
      });
      const folder = await this.#aside('backups', () => this.#backups());
      const ports = await this.#aside('ports', () => this.#ports());
      await withBoardChoice(this.#session, this.#session.options.port?.[0], ({ port }) =>
        this.#board(port),
      );
      return folder ?? ports;
    } catch (thrown) {
      return asBelayError(thrown);
    }
  }

  /** What fails here does not keep the board from being examined. */
  async #aside(step: string, work: () => Promise<string>): Promise<BelayError | null> {
    try {
      await this.#try(step, work);
      return null;
    } catch (thrown) {
      if (isBelayError(thrown, 'job/cancelled')) throw thrown;
      return asBelayError(thrown);
    }
  }

  async #try(step: string, work: () => Promise<string>): Promise<void> {
    const startedMs = this.#context.clock.monotonicMs();
    const durationMs = () => Math.round(this.#context.clock.monotonicMs() - startedMs);
    this.#recorder.note(`step ${step}`);
    try {
      const text = await work();
      this.#add({ step, ok: true, text, hint: null, durationMs: durationMs() });
    } catch (thrown) {
      const error = asBelayError(thrown);
      const choice = isBelayError(error, 'usage/ambiguous-board') && this.#session.terminal.canAsk;
      if (!choice) {
        this.#recorder.note(`failed: ${error.code}: ${error.message}`);
        this.#add({
          step,
          ok: false,
          text: error.message,
          hint: adviceFor(error),
          durationMs: durationMs(),
        });
        this.#showTail();
      }
      throw error;
    }
  }

  async #backups(): Promise<string> {
    const store = openStore(this.#session.options.dir);
    const backups = await store.list({ safety: false });
    const free = await store.freeBytes();
    const space = free === null ? '' : `, ${formatBytes(free)} free`;
    const locks = await store.locks();
    const locked = locks.length === 0 ? '' : `, ${countOf(locks.length, 'lock')} (see unlock)`;
    return `${countOf(backups.length, 'backup')} in ${store.path}${space}${locked}`;
  }

  async #ports(): Promise<string> {
    const parts = devicesParts(this.#session.portWish(undefined), this.#context, null);
    const { devices } = await listDevices(parts, { probe: false }, this.#context);
    return devices.length === 0 ? 'none' : devices.map(portText).join('; ');
  }

  async #board(port: string | undefined): Promise<void> {
    const wish = { ...this.#session.portWish(port), onTraffic: this.#recorder.record };
    const connect: Connect = connectorFor(wish, this.#context);
    let board: BoardConnection | null = null;
    try {
      await this.#try('connect', async () => {
        board = await connect({ signal: this.#context.signal });
        const ran = board.programInterrupted ? 'a program was interrupted' : 'it was idle';
        return `${board.portName}: ${ran}`;
      });
      await this.#examineBoard(board as unknown as BoardConnection);
    } finally {
      await (board as BoardConnection | null)?.leave(this.#session.options.after ?? 'auto');
    }
  }

  async #examineBoard(board: BoardConnection): Promise<void> {
    const { info } = board;
    await this.#try('board', async () => {
      const id = info.uniqueId === null ? 'no unique id' : `id ${info.uniqueId}`;
      return `${info.machine}, ${firmwareText(info)}, ${id}`;
    });
    for (const [question, answer] of Object.entries(info.probe)) {
      await this.#try(`probe ${question}`, async () => rungText(question, answer));
    }
    await this.#try('writing', async () => writingText(info));
    await this.#try('files', async () => {
      const scan = {
        roots: [''],
        mounts: [],
        hashes: 'none' as const,
        signal: this.#context.signal,
      };
      const { tree, warnings } = await board.fs.scan(scan);
      const failed = tree.filter((entry) => entry.kind === 'failed').length;
      const problems = [
        failed > 0 ? `, ${failed} cannot be read` : '',
        ...warnings.map((warning) => `; ${warning.message}`),
      ];
      return `${countOf(tree.filter((entry) => entry.kind === 'file').length, 'file')}${problems.join('')}`;
    });
    await this.#try('wire', async () => {
      const { bytesIn, bytesOut, turns } = board.counters();
      return `${formatBytes(bytesIn)} in, ${formatBytes(bytesOut)} out, ${countOf(turns, 'turn')}`;
    });
  }

  #add(step: Step): void {
    this.steps.push(step);
    if (this.#session.json) return;
    const { terminal } = this.#session;
    const mark = step.ok
      ? paint(terminal.style, 'green', 'ok')
      : paint(terminal.style, 'red', 'no');
    const took = step.durationMs >= 10 ? `  [${formatDuration(step.durationMs)}]` : '';
    terminal.out(`${mark}  ${displayPath(step.step)}: ${displayPath(step.text)}${took}`);
  }

  /** What the board said last: often the reason itself. */
  #showTail(): void {
    if (this.#session.json) return;
    const heard = this.#recorder.lines
      .filter((line) => line.dir === 'in')
      .map((line) => line.text ?? (line.hex === undefined ? '' : `<${line.hex}>`))
      .join('');
    if (heard === '') return;
    this.#session.terminal.out(`    last heard: ${displayPath(heard.slice(-TAIL_CHARACTERS))}`);
  }
}

function portText(device: DeviceRow): string {
  const usb = device.vendorId === null ? '' : ` ${device.vendorId}:${device.productId ?? '????'}`;
  const name = device.product ?? device.manufacturer;
  return `${device.path}${usb}${name === null ? '' : ` ${name}`}${device.likelyBoard ? ' (a board, it seems)' : ''}`;
}

function writeTranscript(file: string, recorder: TranscriptRecorder, session: Session): void {
  try {
    writeFileSync(file, recorder.toString());
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new BelayError('store/io', `${file}: the transcript cannot be written (${code})`, {
      cause,
    });
  }
  if (!session.json) {
    session.terminal.out(`    transcript: ${displayPath(file)} (file contents are left out)`);
  }
}
