/** A recorded conversation as the steps of a scripted port. */
import { bytesOfLine, type TranscriptLine } from '../../src/transport/transcript.js';
import type { ScriptStep } from './scripted-port.js';

/** What the board said on its own, or in answer to what it was told. */
export function stepsOf(lines: readonly TranscriptLine[]): readonly ScriptStep[] {
  const steps: { sent: number[]; answer: number[] }[] = [];
  let direction: 'in' | 'out' | null = null;
  for (const line of lines) {
    const bytes = bytesOfLine(line);
    if (bytes === null || line.dir === 'note') continue;
    if (steps.length === 0 || (line.dir === 'out' && direction === 'in'))
      steps.push({ sent: [], answer: [] });
    direction = line.dir;
    steps.at(-1)?.[line.dir === 'out' ? 'sent' : 'answer'].push(...bytes);
  }
  return steps.map((step) => ({
    sent: Uint8Array.from(step.sent),
    answer: Uint8Array.from(step.answer),
  }));
}
