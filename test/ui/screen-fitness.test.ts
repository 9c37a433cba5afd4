import { describe, expect, it } from 'vitest';
import { canColour, canShowScreen, speaksUnicode } from '../../src/ui/screen-fitness.js';

const GOOD = {
  stdoutIsTerminal: true,
  stderrIsTerminal: true,
  columns: 80,
  rows: 24,
  env: { TERM: 'xterm-256color' } as Record<string, string | undefined>,
  platform: 'linux',
};

describe('whether a live screen is shown', () => {
  it('needs a real terminal', () => {
    expect(canShowScreen(GOOD)).toBe(true);
  });

  it.each([
    ['a pipe on stdout', { stdoutIsTerminal: false }],
    ['a file on stderr', { stderrIsTerminal: false }],
    ['no columns', { columns: 0 }],
    ['no rows', { rows: 0 }],
    ['a dumb terminal', { env: { TERM: 'dumb' } }],
    ['CI', { env: { CI: 'true' } }],
    ['CI=1', { env: { CI: '1' } }],
  ])('says no to %s', (_name, change) => {
    expect(canShowScreen({ ...GOOD, ...change })).toBe(false);
  });

  it('does not take CI=false for CI', () => {
    expect(canShowScreen({ ...GOOD, env: { CI: 'false' } })).toBe(true);
  });

  it('colours terminals only, and none under NO_COLOR', () => {
    expect(canColour(true, {})).toBe(true);
    expect(canColour(false, {})).toBe(false);
    expect(canColour(true, { NO_COLOR: '1' })).toBe(false);
    expect(canColour(true, { NO_COLOR: '' })).toBe(true);
  });

  it('asks the locale for block characters', () => {
    const of = (env: Record<string, string>, platform = 'linux') =>
      speaksUnicode({ env, platform });
    expect(of({ LANG: 'C.UTF-8' })).toBe(true);
    expect(of({ LANG: 'de_DE.utf8' })).toBe(true);
    expect(of({ LANG: 'C' })).toBe(false);
    expect(of({ LC_ALL: 'C', LANG: 'C.UTF-8' })).toBe(false);
    expect(of({})).toBe(false);
    expect(of({}, 'win32')).toBe(false);
    expect(of({ WT_SESSION: '1' }, 'win32')).toBe(true);
  });
});
