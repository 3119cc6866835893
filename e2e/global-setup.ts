import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ADMIN, CONSOLE_PORT, DATA_DIRECTORY_VARIABLE, GATEWAY_PORT, OIDC_ISSUER, OIDC_PORT } from './environment'
import { startOidcProvider } from './oidc-provider'

const READY_WITHIN_MS = 60_000

/** Starts what `npm start` starts, on a data directory of its own, beside a real OpenID provider. */
export default async function startProduct() {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'keeptrusts-e2e-'))
  process.env[DATA_DIRECTORY_VARIABLE] = dataDirectory
  const oidc = await startOidcProvider(OIDC_PORT)
  const product = spawn(process.execPath, ['dist/start.mjs'], {
    env: {
      ...process.env,
      PORT: String(CONSOLE_PORT),
      KEEPTRUSTS_GATEWAY_PORT: String(GATEWAY_PORT),
      KEEPTRUSTS_DATA_DIR: dataDirectory,
      KEEPTRUSTS_ADMIN_EMAIL: ADMIN.email,
      KEEPTRUSTS_ADMIN_PASSWORD: ADMIN.password,
      KEEPTRUSTS_OIDC_ISSUER: OIDC_ISSUER,
      KEEPTRUSTS_OIDC_CLIENT_ID: 'keeptrusts',
      KEEPTRUSTS_OIDC_CLIENT_SECRET: 'the-secret-of-the-test-client',
      KEEPTRUSTS_OIDC_NAME: 'Example ID',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilBanner(product)

  return async () => {
    const gone = once(product, 'exit')
    product.kill('SIGTERM')
    await gone
    await oidc.close()
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

async function untilBanner(product: ChildProcess): Promise<void> {
  let said = ''
  const ready = new Promise<void>((resolve, reject) => {
    product.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('Keeptrusts is ready')) resolve()
    })
    product.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${said}`)))
    setTimeout(
      () => reject(new Error(`npm start was not ready within ${READY_WITHIN_MS} ms:\n${said}`)),
      READY_WITHIN_MS,
    ).unref()
  })
  await ready
}
