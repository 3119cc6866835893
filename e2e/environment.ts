import { execFileSync } from 'node:child_process'

/**
 * Every worker has an installation of its own, so that nothing that one does is seen by another. Playwright numbers its
 * workers from 0 and says the number to each before it loads anything.
 */
export const INSTALLATIONS = 2

/** Beside those of an installation in use, and below what the system gives to whoever asks for any port. */
export const portsOf = (installation: number) => ({
  console: 3_310 + 10 * installation,
  oidc: 3_311 + 10 * installation,
  gateway: 3_312 + 10 * installation,
})

const INSTALLATION = Number(process.env.TEST_PARALLEL_INDEX ?? 0)
const PORTS = portsOf(INSTALLATION)

export const BASE_URL = `http://localhost:${PORTS.console}`
export const GATEWAY_URL = `http://localhost:${PORTS.gateway}`
export const OIDC_ISSUER = `http://localhost:${PORTS.oidc}`

export const ADMIN = { email: 'admin@localhost', password: 'correct horse battery staple' }

/** Names where an installation keeps its data; set before the tests run, which inherit it. */
export const dataDirectoryVariable = (installation = INSTALLATION) => `KEEPTRUSTS_E2E_DATA_DIR_${installation}`

/** Chromium has no sandbox as root in a container, and must not look for the internet in a closed network. */
export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * The installed browser; the test bootstrap installs one where there is none. The shell has no windows to draw around a
 * page, which takes a whole Chromium as long as the page itself.
 */
export function chromiumPath(): string {
  for (const name of ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim()
    } catch {
      // `which` says no by its exit code: try the next name.
    }
  }
  throw new Error('Chromium is not installed; `npm test` installs it with apt on Debian and Ubuntu.')
}
