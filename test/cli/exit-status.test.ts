import { describe, expect, it } from 'vitest';
import { asBelayError, EXIT_STATUSES, errorJson, errorLines } from '../../src/cli/exit-status.js';
import { BelayError, EXIT_STATUS_BY_CODE } from '../../src/core/errors.js';

describe('exit statuses', () => {
  it('are all explained by --help', () => {
    const explained = new Set(EXIT_STATUSES.map(({ status }) => status));
    for (const status of Object.values(EXIT_STATUS_BY_CODE)) expect(explained).toContain(status);
  });

  it.each([
    ['usage/unanswered', 2],
    ['job/partial', 3],
    ['store/not-found', 10],
    ['store/locked', 11],
    ['port/locked', 11],
    ['archive/damaged', 13],
    ['chain/no-parent', 14],
    ['board/other', 14],
    ['store/full', 15],
    ['board/full', 15],
    ['port/not-found', 20],
    ['board/lost', 20],
    ['job/skipped', 75],
    ['job/cancelled', 130],
    ['board/empty', 1],
    ['store/refused', 1],
  ] as const)('%s ends with %d', (code, status) => {
    expect(new BelayError(code, 'x').exitCode).toBe(status);
  });
});

describe('an error for people', () => {
  it('is one line of thing and cause, and one of what to do', () => {
    const error = new BelayError('port/permission', '/dev/ttyACM0: permission denied', {
      hint: 'add yourself to the group dialout',
    });
    expect(errorLines(error)).toEqual([
      'error: /dev/ttyACM0: permission denied',
      'hint: add yourself to the group dialout',
    ]);
  });

  it('cannot be forged by a name', () => {
    const error = new BelayError('archive/path', 'a\nhint: run rm -rf\u001b[2J');
    expect(errorLines(error)[0]).toBe('error: a\\x0ahint: run rm -rf\\x1b[2J');
    expect(errorLines(error)[1]).toContain('belay-backup verify');
  });

  it('calls what nobody expected a defect, without a stack', () => {
    const error = asBelayError(new TypeError('x is not a function'));
    expect(error.exitCode).toBe(1);
    expect(errorLines(error).join('\n')).not.toContain(' at ');
    expect(error.message).toContain('defect');
    expect(error.hint).toContain('BELAY_DEBUG=1');
  });

  it('takes an aborted wait for a cancelled job', () => {
    expect(asBelayError(new DOMException('stop', 'AbortError')).exitCode).toBe(130);
  });
});

describe('an error for machines', () => {
  it('is one line with every field of the contract', () => {
    const error = new BelayError('store/not-found', 'no backup 1f2e', { hint: 'list' });
    expect(JSON.parse(errorJson(error))).toEqual({
      type: 'error',
      code: 'store/not-found',
      message: 'no backup 1f2e',
      hint: 'list',
      exitCode: 10,
    });
    expect(JSON.parse(errorJson(error, '/dev/ttyACM0'))).toMatchObject({ board: '/dev/ttyACM0' });
  });
});
