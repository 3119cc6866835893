import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { createClient } from '@/lib/client'
import { sessions } from '@/lib/contract/sessions'
import { tokens } from '@/lib/contract/tokens'
import { median, start, stopAll, untilOk } from './processes'

const CONSOLE = 'http://localhost:3410'
const GATEWAY = 'http://localhost:41410'
const ADMIN = { email: 'admin@localhost', password: 'only for the bench 1' }
const KEYS = 100
const PAGES = [
  '/sign-in',
  '/',
  '/history',
  '/settings/gateway-keys',
  '/configurations',
  '/gateways',
  '/settings/security',
]

/** How fast a revoked key stops working, and how much script the console's pages load, on the whole built product. */
export async function benchProduct(): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-'))
  try {
    const product = start(undefined, process.execPath, ['dist/start.mjs'], {
      PORT: new URL(CONSOLE).port,
      KEEPTRUSTS_GATEWAY_PORT: new URL(GATEWAY).port,
      KEEPTRUSTS_DATA_DIR: scratch,
      KEEPTRUSTS_ADMIN_EMAIL: ADMIN.email,
      KEEPTRUSTS_ADMIN_PASSWORD: ADMIN.password,
    })
    product.process.stdout?.resume()
    await Promise.all([untilOk(`${CONSOLE}/sign-in`), untilOk(`${GATEWAY}/readyz`)])
    return [await revocation(), '', await firstLoad()].join('\n')
  } finally {
    await stopAll()
    await rm(scratch, { recursive: true, force: true })
  }
}

/** From the answer of the revocation to the gateway's first 401, asked every millisecond. */
async function revocation(): Promise<string> {
  const { session_token } = await createClient({ baseUrl: CONSOLE })(sessions.create, ADMIN)
  const call = createClient({ baseUrl: CONSOLE, headers: { authorization: `Bearer ${session_token}` } })
  const samples: number[] = []
  for (let i = 0; i < KEYS; i++) {
    const { key, token } = await call(tokens.create, { name: `bench ${i}`, token_type: 'gateway' })
    while ((await statusWith(key)) !== 200) await delay(1)
    await call(tokens.revoke, { id: token.id })
    const revokedAt = performance.now()
    while ((await statusWith(key)) !== 401) await delay(1)
    samples.push(performance.now() - revokedAt)
  }
  const p99 = samples.toSorted((a, b) => a - b)[Math.floor(samples.length * 0.99)] ?? Number.NaN
  return [
    '## Revocation',
    '',
    `From the answer of \`POST /v1/tokens/{id}/revoke\` to the first 401 of a connected gateway, ${KEYS} keys.`,
    '',
    '| p50 | p99 |',
    '|--:|--:|',
    `| ${median(samples).toFixed(1)} ms | ${p99.toFixed(1)} ms |`,
  ].join('\n')
}

const statusWith = async (key: string) => {
  const response = await fetch(`${GATEWAY}/v1/models`, { headers: { authorization: `Bearer ${key}` } })
  await response.arrayBuffer()
  return response.status
}

/** Scripts that a page's HTML names, without the polyfills that current browsers skip, compressed as they travel. */
async function firstLoad(): Promise<string> {
  const cookie = await signIn()
  if (!cookie.includes('keeptrusts.session')) throw new Error('Signing in to the console failed.')
  const rows: string[] = []
  for (const page of PAGES) {
    const html = await (await fetch(CONSOLE + page, page === '/sign-in' ? {} : { headers: { cookie } })).text()
    const scripts = [...html.matchAll(/<script src="([^"]+)"(?![^>]*noModule)/g)].flatMap((match) => match[1] ?? [])
    let bytes = 0
    for (const script of new Set(scripts)) bytes += gzipSync(await (await fetch(CONSOLE + script)).arrayBuffer()).length
    rows.push(`| ${page} | ${new Set(scripts).size} | ${(bytes / 1_000).toFixed(1)} kB |`)
  }
  return ['## First load', '', '| page | scripts | gzip |', '|---|--:|--:|', ...rows].join('\n')
}

/** As the sign-in page does it. */
async function signIn(): Promise<string> {
  const asked = await fetch(`${CONSOLE}/api/auth/csrf`)
  const { csrfToken } = (await asked.json()) as { csrfToken: string }
  const answer = await fetch(`${CONSOLE}/api/auth/callback/password`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: cookiesOf(asked), origin: CONSOLE },
    body: new URLSearchParams({ ...ADMIN, csrfToken, json: 'true' }),
  })
  return cookiesOf(answer)
}

const cookiesOf = (response: Response) =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
