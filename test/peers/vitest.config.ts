import { defineConfig } from 'vitest/config';

/** Tests against real servers: one file after the other, since they measure what happens while a server restarts. */
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/peers/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/kit/tally.ts'],
  },
});
