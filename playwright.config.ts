import { defineConfig } from '@playwright/test'
import { BASE_URL, CHROMIUM_ARGS, chromiumPath } from './e2e/environment'

export default defineConfig({
  testDir: './e2e',
  testMatch: '*.spec.ts',
  // One product, one database: the tests share an installation and run in order.
  workers: 1,
  fullyParallel: false,
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
