import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ADMIN, dataDirectoryVariable, INSTALLATIONS, portsOf } from './environment'
import { startOidcProvider } from './oidc-provider'

const READY_WITHIN_MS = 60_000

/** One installation for each worker; none stays when another does not start. */
export default async function startInstallations() {
  const starts = Array.from({ length: INSTALLATIONS }, (_, installation) => startProduct(installation))
  const outcomes = await Promise.allSettled(starts)
  const stopAll = async () => {
    await Promise.all(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value()))
  }
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue
    await stopAll()
    throw outcome.reason
  }
  return stopAll
}

/** Starts what `npm start` starts, on a data directory of its own, beside a real OpenID provider. */
async function startProduct(installation: number): Promise<() => Promise<void>> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'keeptrusts-e2e-'))
  process.env[dataDirectoryVariable(installation)] = dataDirectory
  const ports = portsOf(installation)
  const oidc = await startOidcProvider(ports)
  const product = spawn(process.execPath, ['dist/start.mjs'], {
    env: {
      ...process.env,
      PORT: String(ports.console),
      KEEPTRUSTS_GATEWAY_PORT: String(ports.gateway),
      KEEPTRUSTS_DATA_DIR: dataDirectory,
      KEEPTRUSTS_ADMIN_EMAIL: ADMIN.email,
      KEEPTRUSTS_ADMIN_PASSWORD: ADMIN.password,
      KEEPTRUSTS_OIDC_ISSUER: `http://localhost:${ports.oidc}`,
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
