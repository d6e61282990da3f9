import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/**/*.test.ts'],
    exclude: ['test/peers/**', 'node_modules/**'],
    testTimeout: 20_000,
    // Most tests wait for sockets and timers rather than for a core.
    maxWorkers: 3,
    reporters: ['default', './test/kit/tally.ts'],
  },
});
