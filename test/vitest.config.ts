import { defineConfig } from 'vitest/config';

// Tests mirror src/ and run from the sources; what starts a process of its own (the virtual
// board's worker, the command) runs from dist/, which `npm test` builds first.
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    exclude: ['test/slow/**', 'node_modules/**'],
    // Not threads: the native serial binding aborts the process outside its main thread.
    pool: 'forks',
    // Most files wait for boards, wires and commands of their own: more workers than cores pay.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Boards, wires and terminals run in real time: on CI's two cores a neighbour can make one late.
    // A test that needed its second try is shown as such.
    retry: process.env.CI ? 1 : 0,
  },
});
