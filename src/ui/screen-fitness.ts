/** May a live screen be shown? Pure: everything it looks at is passed in. */

export interface TerminalFacts {
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
}

/**
 * Escape codes only where they are understood: a terminal on both streams (results and screen
 * share it), not CI, not TERM=dumb, with a size of its own.
 */
export function canShowScreen(facts: TerminalFacts): boolean {
  return (
    facts.stdoutIsTerminal &&
    facts.stderrIsTerminal &&
    facts.columns > 0 &&
    facts.rows > 0 &&
    facts.env.TERM !== 'dumb' &&
    !isContinuousIntegration(facts.env)
  );
}

/** As Ink decides it (package is-in-ci): where it sees CI it paints only the last frame. */
function isContinuousIntegration(env: TerminalFacts['env']): boolean {
  return [env.CI, env.CONTINUOUS_INTEGRATION].some(
    (flag) => flag !== undefined && flag !== '0' && flag !== 'false',
  );
}

/** Colour on a terminal, unless NO_COLOR (any value, no-color.org) or a dumb terminal says no. */
export function canColour(isTerminal: boolean, env: TerminalFacts['env']): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return isTerminal && env.TERM !== 'dumb';
}

/** Block characters and spinners need a UTF-8 locale; tmux and consoles show `_` otherwise. */
export function speaksUnicode(facts: Pick<TerminalFacts, 'env' | 'platform'>): boolean {
  if (facts.platform === 'win32') {
    return facts.env.WT_SESSION !== undefined || facts.env.TERM_PROGRAM === 'vscode';
  }
  const locale = facts.env.LC_ALL || facts.env.LC_CTYPE || facts.env.LANG || '';
  return /utf-?8/i.test(locale) || (locale === '' && facts.platform === 'darwin');
}
