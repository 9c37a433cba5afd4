import { describe, expect, it } from 'vitest';
import { ProgressMeter } from '../../src/jobs/progress-meter.js';

describe('how long a job still takes', () => {
  it('is not said where nobody knows how much there is to do', () => {
    const meter = new ProgressMeter(0);
    meter.event(0);
    meter.advance(2_000);
    expect(meter.event(1_000)).toMatchObject({ bytesPerSecond: 2_000, etaMs: null });
  });

  it('follows from the speed of the last seconds', () => {
    const meter = new ProgressMeter(0);
    meter.begin('reading', { files: 2, bytes: 10_000 });
    meter.event(0);
    meter.advance(2_000);
    expect(meter.event(1_000)).toMatchObject({ bytesPerSecond: 2_000, etaMs: 4_000 });
  });
});
