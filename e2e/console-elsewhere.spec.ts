import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as forward } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { ADMIN, BASE_URL } from './environment'
import { ask, createGatewayKey, signIn } from './installation'

const PORT = 3_313
const TLS_PORT = 3_314
const HERE = `https://localhost:${TLS_PORT}`

test.use({ baseURL: HERE, ignoreHTTPSErrors: true })

let stop: () => Promise<void>
test.beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-elsewhere-'))
  const console = spawn(process.execPath, ['dist/console.mjs'], {
    env: {
      ...process.env,
      PORT: String(PORT),
      KEEPTRUSTS_DATA_DIR: directory,
      KEEPTRUSTS_API_URL: BASE_URL,
      KEEPTRUSTS_PUBLIC_URL: HERE,
      KEEPTRUSTS_TRUST_PROXY: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    console.stdout.on('data', (chunk: Buffer) => chunk.includes('"ready"') && resolve())
    console.once('exit', (code) => reject(new Error(`the console ended with ${code}`)))
  })
  const proxy = await tlsProxy(directory)
  stop = async () => {
    const gone = once(console, 'exit')
    console.kill('SIGTERM')
    await gone
    proxy.closeAllConnections()
    proxy.close()
    await rm(directory, { recursive: true })
  }
})
test.afterAll(() => stop())

/** What stands in front of a console on the internet: TLS, and the headers that say what the browser asked for. */
async function tlsProxy(directory: string) {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(directory, name))
  if (key === undefined || cert === undefined) throw new Error('two files')
  const subject = ['-subj', '/CN=localhost', '-days', '1']
  const files = ['-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject], { stdio: 'ignore' })
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (request, response) => {
    const headers = { ...request.headers, 'x-forwarded-proto': 'https', 'x-forwarded-host': request.headers.host }
    const upstream = forward({ port: PORT, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    upstream.on('error', () => response.destroy())
    response.on('close', () => upstream.destroy())
    request.pipe(upstream)
  })
  server.listen(TLS_PORT)
  await once(server, 'listening')
  return server
}

test('a console with its control plane elsewhere, behind TLS, signs in, follows live and signs out', async ({
  page,
  context,
}) => {
  await page.goto('/history')
  await expect(page).toHaveURL(/\/sign-in/)
  await signIn(page, ADMIN)
  await expect(page).toHaveURL(/\/history/)

  const cookie = (await context.cookies()).find(({ name }) => name === '__Host-keeptrusts.session')
  expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' })
  expect(cookie?.value).not.toContain('kt_st_')

  const { key, name } = await createGatewayKey('elsewhere')
  await expect(page.getByRole('status').filter({ hasText: /^Live$/ })).toBeVisible()
  await ask(key)
  await expect(page.getByText(name).first()).toBeVisible()

  const elsewhere = await page.request.get('/v1/whoami')
  expect([elsewhere.status(), (await elsewhere.json()).code]).toEqual([404, 'not_found'])
})
