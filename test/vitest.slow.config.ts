import { defineConfig } from 'vitest/config';

// What takes minutes: kills, every operation failing once, the model, fuzzing. `npm run test:slow`
// builds first; every file prints its seed and its counts at the end.
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/slow/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 15 * 60_000,
    hookTimeout: 120_000,
    retry: process.env.CI ? 1 : 0,
  },
});
