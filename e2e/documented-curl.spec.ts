import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { expect, test } from '@playwright/test'
import { type Client, createClient } from '@/lib/client'
import { configurations } from '@/lib/contract/configurations'
import { gateways } from '@/lib/contract/gateways'
import { sessions } from '@/lib/contract/sessions'
import { tokens } from '@/lib/contract/tokens'
import { ADMIN, BASE_URL, GATEWAY_URL } from './environment'

const DOCUMENTS = ['quick-start', 'keys', 'managed-gateway', 'api-conventions']
const GATEWAY = 'proxy_production_01'

/** What each documented command has to answer with, by what it asks for. */
const ANSWERS: [asks: string, answers: RegExp][] = [
  ['/v1/chat/completions', /"choices":\[\{.*"role":"assistant"/],
  ['/v1/tokens', /"key":"kt_ak_\w{49}"/],
  ['/v1/admin/configurations/rollout', /"rollout_id":"rol_\w+","version":"0\.3\.0"/],
  ['/v1/admin/configurations', /"gateway_id":"proxy_production_01".*"desired_version":/],
  ['/v1/organization', /"id":"org_\w+".*"session_idle_minutes":/s],
  ['/v1/events', /"items":\[.*"events":\[.*"next_cursor":/],
]

let environment: Record<string, string>

test.beforeAll(async () => {
  const { session_token } = await createClient({ baseUrl: BASE_URL })(sessions.create, ADMIN)
  const admin = createClient({ baseUrl: BASE_URL, headers: { authorization: `Bearer ${session_token}` } })
  await endKeysNamed(admin, 'ci-pipeline-prod')
  await prepareGateway(admin)
  const { key } = await admin(tokens.create, {
    name: `documented-curl-${Date.now()}`,
    token_type: 'access',
    role_id: 'role_admin',
    expires_at: inAWeek(),
  })
  environment = {
    KEEPTRUSTS_API_URL: BASE_URL,
    KEEPTRUSTS_API_TOKEN: key,
    KEEPTRUSTS_TOKEN: key,
    ADMIN_TOKEN: key,
  }
})

for (const name of DOCUMENTS) {
  test(`the commands of docs/${name}.md do what it says`, async () => {
    const commands = await commandsOf(name)
    expect(commands.length).toBeGreaterThan(0)
    for (const command of commands) {
      await test.step(command.split('\n').find((line) => line.startsWith('curl')) ?? command, async () => {
        const expected = ANSWERS.find(([asks]) => command.includes(asks))?.[1]
        expect(expected, `ANSWERS says nothing about\n${command}`).toBeDefined()
        const { code, stdout, stderr } = await bash(forThisProduct(command))
        expect(code, `${command}\n${stdout}\n${stderr}`).toBe(0)
        expect(stdout).toMatch(expected ?? /never/)
        expect(stdout).not.toContain('"/docs/api#')
      })
    }
  })
}

async function commandsOf(name: string): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, `../docs/${name}.md`), 'utf8')
  return [...text.matchAll(/```bash\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
}

/** Only addresses and the one date that has passed differ from what is printed. */
const forThisProduct = (command: string): string =>
  command
    .replaceAll('http://localhost:41002', GATEWAY_URL)
    .replaceAll('https://api.keeptrusts.com', BASE_URL)
    .replaceAll('2026-07-22T00:00:00Z', inAWeek())

async function bash(script: string) {
  const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, code] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { code, stdout, stderr }
}

/** What docs/managed-gateway.md has set up by the time it rolls out: its gateway runs its configuration. */
async function prepareGateway(admin: Client): Promise<void> {
  const guide = await readFile(join(import.meta.dirname, '../docs/managed-gateway.md'), 'utf8')
  const yaml = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''
  const { items } = await admin(gateways.list, { limit: 200 })
  if (!items.some(({ id }) => id === GATEWAY)) await admin(gateways.register, { id: GATEWAY })
  const { id } = await admin(configurations.create, { name: `documented-curl-${Date.now()}`, yaml })
  await admin(configurations.assign, { id, gateway_ids: [GATEWAY] })
}

async function endKeysNamed(admin: Client, name: string): Promise<void> {
  const { items } = await admin(tokens.list, { name, status: 'live' })
  for (const { id } of items) await admin(tokens.revoke, { id })
}

const inAWeek = () => new Date(Date.now() + 7 * 86_400_000).toISOString()
