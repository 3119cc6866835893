import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { alias: { '@': import.meta.dirname } },
  test: {
    include: ['{lib,control-plane,gateway,cli,server,components,scripts}/**/*.test.{ts,tsx}'],
    globalSetup: ['./server/vitest-database.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Two cores: more workers only wait for each other.
    maxWorkers: 2,
    // A leaked promise is a bug even when every assertion passed.
    dangerouslyIgnoreUnhandledErrors: false,
  },
})
