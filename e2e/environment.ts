import { execFileSync } from 'node:child_process'

/** Ports of their own, so that tests run beside an installation in use. */
export const CONSOLE_PORT = 3_310
export const GATEWAY_PORT = 41_312
export const OIDC_PORT = 3_311

export const BASE_URL = `http://localhost:${CONSOLE_PORT}`
export const GATEWAY_URL = `http://localhost:${GATEWAY_PORT}`
export const OIDC_ISSUER = `http://localhost:${OIDC_PORT}`

export const ADMIN = { email: 'admin@localhost', password: 'correct horse battery staple' }

/** Where the installation under test keeps its data; set before the tests run, which inherit it. */
export const DATA_DIRECTORY_VARIABLE = 'KEEPTRUSTS_E2E_DATA_DIR'

/** Chromium has no sandbox as root in a container, and must not look for the internet in a closed network. */
export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The installed browser; the test bootstrap installs one where there is none. */
export function chromiumPath(): string {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim()
    } catch {
      // `which` says no by its exit code: try the next name.
    }
  }
  throw new Error('Chromium is not installed; `npm test` installs it with apt on Debian and Ubuntu.')
}
