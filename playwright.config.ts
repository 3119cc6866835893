import { defineConfig } from '@playwright/test'
import { BASE_URL, CHROMIUM_ARGS, chromiumPath, INSTALLATIONS } from './e2e/environment'

const PAGES = ['accessibility.spec.ts', 'api-reference.spec.ts', 'openid.spec.ts', 'session-end.spec.ts']

export default defineConfig({
  testDir: './e2e',
  testMatch: '*.spec.ts',
  workers: INSTALLATIONS,
  // The tests of a project share an installation and run in order; the two projects take about as long as each other.
  fullyParallel: false,
  projects: [
    { name: 'pages and sessions', testMatch: PAGES, workers: 1 },
    { name: 'journeys', testIgnore: PAGES, workers: 1 },
  ],
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 60_000,
  // Long enough for a machine that does other things as well; nothing here measures speed.
  expect: { timeout: 10_000 },
  reporter: [['list'], ['./e2e/closing-line.ts']],
  globalSetup: './e2e/global-setup.ts',
  use: {
    baseURL: BASE_URL,
    browserName: 'chromium',
    launchOptions: { executablePath: chromiumPath(), args: CHROMIUM_ARGS },
    // Pictures of every step would cost more than the tests themselves.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: false },
    screenshot: 'only-on-failure',
  },
})
