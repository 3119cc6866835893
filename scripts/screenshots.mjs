// Takes the screenshots of README.md from the built product: starts it on a data directory and ports of its own, makes
// real traffic, writes docs/images/*.png and stops everything. `npm run build` first.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { ADMIN, CHROMIUM_ARGS, chromiumPath } from '../e2e/environment.ts'
import { makeTraffic, startProvider } from './example-traffic.mjs'

const ROOT = join(import.meta.dirname, '..')
const IMAGES = join(ROOT, 'docs', 'images')
const VIEWPORT = { width: 1280, height: 800 }
const BYTES_MAX = 200 * 1_024
const READY_WITHIN_MS = 120_000

/** What is on each picture: `open` leaves the page as it is to be seen. */
const PICTURES = {
  overview: async (page) => {
    await page.goto('/')
    await page.getByText('Requests, last 24 hours').waitFor()
    await page.locator('.recharts-bar-rectangle').first().waitFor()
    await page
      .getByRole('region', { name: /^Spend by team/ })
      .getByRole('link', { name: /Finance/ })
      .waitFor()
  },
  history: async (page) => {
    await page.goto('/history?since=15m')
    await page
      .getByRole('row', { name: /Blocked/ })
      .first()
      .click()
    await page.getByRole('dialog').getByText('Policy chain').waitFor()
  },
  usage: async (page) => {
    await page.goto('/usage')
    await page.getByRole('region', { name: /^Cost by team/ }).waitFor()
    await page.locator('.recharts-bar-rectangle').first().waitFor()
  },
  budget: async (page, { budgetId, callOnce }) => {
    // A gateway holds something for as long as it needs it.
    await callOnce()
    await page.goto(`/budgets?open=${budgetId}`)
    await page
      .getByRole('dialog')
      .getByText(/^held by /)
      .first()
      .waitFor()
  },
  'gateway-key': async (page, { rotatedKeyId }) => {
    await page.goto(`/settings/gateway-keys?open=${rotatedKeyId}`)
    await page.getByRole('dialog').getByRole('button', { name: 'Finish now' }).scrollIntoViewIfNeeded()
  },
  configuration: async (page, { configurationId }) => {
    await page.goto(`/configurations/${configurationId}`)
    const line = page.locator('.cm-line', { hasText: 'timeout_ms' })
    await line.click()
    await page.keyboard.press('End')
    await page.keyboard.type('\ntimout_ms: 20000')
    await page.getByText('One finding').waitFor()
    await page.locator('.cm-lint-marker-error').waitFor()
  },
}

async function main() {
  if (!existsSync(join(ROOT, 'dist', 'start.mjs')) || !existsSync(join(ROOT, '.next', 'BUILD_ID'))) {
    throw new Error('The product is not built: run `npm run build` first.')
  }
  const dataDirectory = await mkdtemp(join(tmpdir(), 'keeptrusts-screenshots-'))
  const [consolePort, gatewayPort] = await freePorts()
  const consoleUrl = `http://localhost:${consolePort}`
  const provider = await startProvider()
  const product = spawn(process.execPath, [join(ROOT, 'dist', 'start.mjs')], {
    env: {
      ...process.env,
      PORT: String(consolePort),
      KEEPTRUSTS_GATEWAY_PORT: String(gatewayPort),
      KEEPTRUSTS_DATA_DIR: dataDirectory,
      KEEPTRUSTS_ADMIN_EMAIL: ADMIN.email,
      KEEPTRUSTS_ADMIN_PASSWORD: ADMIN.password,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await untilReady(product)
    console.log('Making traffic for a minute…')
    const made = await makeTraffic({
      consoleUrl,
      gatewayUrl: `http://localhost:${gatewayPort}`,
      providerUrl: provider.url,
      ...ADMIN,
    })
    await mkdir(IMAGES, { recursive: true })
    await takePictures(consoleUrl, made)
  } finally {
    if (product.exitCode === null) {
      const gone = once(product, 'exit')
      product.kill('SIGTERM')
      await gone
    }
    provider.stop()
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

async function takePictures(consoleUrl, made) {
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS })
  try {
    let storageState
    for (const theme of ['light', 'dark']) {
      const context = await browser.newContext({
        baseURL: consoleUrl,
        viewport: VIEWPORT,
        colorScheme: theme,
        reducedMotion: 'reduce',
        storageState,
      })
      const page = await context.newPage()
      storageState ??= await signIn(page, context)
      for (const [name, open] of Object.entries(PICTURES)) {
        await open(page, made)
        // History keeps a stream open, so its network is never quiet; what is to be seen has come by then.
        await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined)
        await page.evaluate(() => document.fonts.ready)
        const path = join(IMAGES, `${name}-${theme}.png`)
        await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
        const { size } = await stat(path)
        if (size > BYTES_MAX) throw new Error(`${path} has ${size} bytes, more than the ${BYTES_MAX} it may have.`)
        console.log(`${path} (${Math.ceil(size / 1_024)} KiB)`)
      }
      await context.close()
    }
  } finally {
    await browser.close()
  }
}

async function signIn(page, context) {
  await page.goto('/sign-in')
  await page.getByLabel('E-mail address').fill(ADMIN.email)
  await page.getByLabel('Password').fill(ADMIN.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL((url) => url.pathname === '/')
  return context.storageState()
}

async function untilReady(product) {
  let said = ''
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The product was not ready in time:\n${said}`)), READY_WITHIN_MS)
    product.stdout.on('data', (chunk) => {
      said += chunk
      if (!said.includes('Keeptrusts is ready')) return
      clearTimeout(timer)
      resolve()
    })
    product.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`The product ended with ${code}:\n${said}`))
    })
  })
}

/** Two ports that nobody listens on: both are held until both are known. */
async function freePorts() {
  const servers = [createServer(), createServer()]
  const ports = []
  for (const server of servers) {
    server.listen(0)
    await once(server, 'listening')
    ports.push(server.address().port)
  }
  for (const server of servers) {
    server.close()
    await once(server, 'close')
  }
  return ports
}

await main()
