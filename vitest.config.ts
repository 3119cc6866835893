import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const ROOT = import.meta.dirname

/** Ways to change or measure what every file of a process sees. */
const TOUCHES_ITS_PROCESS =
  /\bvi\.(mock|doMock|spyOn|stub|useFakeTimers|setConfig)|\bprocess\.(env\.|on\(|once\(|chdir|memoryUsage)/

/** Loading modules is a third of the time of files that need nothing of their own but a database or a port. */
const sharing = (folders: string) =>
  globSync(`${folders}/**/*.test.{ts,tsx}`, { cwd: ROOT }).filter(
    (path) => !TOUCHES_ITS_PROCESS.test(readFileSync(join(ROOT, path), 'utf8')),
  )
const gateway = sharing('gateway')
const shared = sharing('{lib,components,control-plane}')

export default defineConfig({
  resolve: { alias: { '@': ROOT } },
  test: {
    globalSetup: ['./server/vitest-database.ts'],
    // `npm test` builds and drives browsers on the same cores; no guarantee is about time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more workers only wait for each other.
    maxWorkers: 2,
    // A leaked promise is a bug even when every assertion passed.
    dangerouslyIgnoreUnhandledErrors: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'own process',
          include: ['{lib,control-plane,gateway,server,components,scripts}/**/*.test.{ts,tsx}'],
          exclude: [...gateway, ...shared],
        },
      },
      {
        extends: true,
        test: {
          name: 'command line',
          include: ['cli/**/*.test.ts'],
          globalSetup: ['./cli/vitest-program.ts'],
          isolate: false,
          // Programs that start take seconds on a busy machine, and no guarantee is about time.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      { extends: true, test: { name: 'gateway', include: gateway, isolate: false } },
      { extends: true, test: { name: 'shared process', include: shared, isolate: false } },
    ],
  },
})
