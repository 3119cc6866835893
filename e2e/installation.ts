import { setTimeout as sleep } from 'node:timers/promises'
import type { APIRequest, BrowserContext, Page } from '@playwright/test'
import OpenAI from 'openai'
import { type Client, createClient } from '@/lib/client'
import { members } from '@/lib/contract/members'
import type { RoleId } from '@/lib/contract/permissions'
import { sessions } from '@/lib/contract/sessions'
import { tokens } from '@/lib/contract/tokens'
import { ADMIN, BASE_URL, GATEWAY_URL } from './environment'

export type Account = { email: string; password: string }

const SERVED_WITHIN_MS = 15_000

/** A name that no other test uses. */
export const uniqueName = (stem: string) => `${stem}-${crypto.randomUUID().slice(0, 8)}`

/** The control plane as seen with a token, over HTTP. */
export const connect = (token: string): Client =>
  createClient({ baseUrl: BASE_URL, headers: { authorization: `Bearer ${token}` } })

/** A session of its own at the control plane: what `kt auth login` gets. */
export async function openSession({ email, password }: Account): Promise<{ token: string; client: Client }> {
  const { session_token: token } = await createClient({ baseUrl: BASE_URL })(sessions.create, { email, password })
  return { token, client: connect(token) }
}

let administrator: Promise<Client> | undefined
/** The control plane as its owner sees it. One session for all tests of a process. */
export function asAdministrator(): Promise<Client> {
  administrator ??= openSession(ADMIN).then(({ client }) => client)
  return administrator
}

export async function createMember(role: RoleId): Promise<Account & { id: string }> {
  const account = { email: `${uniqueName('member')}@example.com`, password: 'a long enough password' }
  const admin = await asAdministrator()
  const { id } = await admin(members.create, { ...account, name: account.email, role_id: role })
  return { ...account, id }
}

type GatewayKey = { id: string; name: string; key: string }

/** A gateway key that the gateway serves already. */
export async function createGatewayKey(stem: string): Promise<GatewayKey> {
  const name = uniqueName(stem)
  const { key, token } = await (await asAdministrator())(tokens.create, { name, token_type: 'gateway' })
  await untilServed(key)
  return { id: token.id, name, key }
}

/** The official client, as a developer configures it: a base URL and a key. */
export const openai = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${GATEWAY_URL}/v1`, maxRetries: 0 })

export const ask = (apiKey: string, model = 'gpt-5.4-mini') =>
  openai(apiKey).chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }] })

/** What the gateway answers to a key, as a status: 200 when it serves it. Makes no decision event. */
export async function statusOf(apiKey: string): Promise<number> {
  const response = await fetch(`${GATEWAY_URL}/v1/models`, { headers: { authorization: `Bearer ${apiKey}` } })
  await response.body?.cancel()
  return response.status
}

/** A new key reaches the gateway by push, a moment after it was created. */
export async function untilServed(apiKey: string): Promise<void> {
  const until = Date.now() + SERVED_WITHIN_MS
  while ((await statusOf(apiKey)) !== 200) {
    if (Date.now() > until) throw new Error(`The gateway does not serve the new key within ${SERVED_WITHIN_MS} ms.`)
    await sleep(50)
  }
}

/** The cookies of a browser in which somebody has signed in with a password. */
export async function signedInState(request: APIRequest, { email, password }: Account) {
  const browser = await request.newContext({ baseURL: BASE_URL, extraHTTPHeaders: { origin: BASE_URL } })
  const { csrfToken } = await (await browser.get('/api/auth/csrf')).json()
  const answer = await browser.post('/api/auth/callback/password', {
    form: { email, password, csrfToken, callbackUrl: '/', json: 'true' },
  })
  if (!answer.ok()) throw new Error(`The sign-in of ${email} was refused with ${answer.status()}.`)
  const state = await browser.storageState()
  await browser.dispose()
  return state
}

/** The sign-in page, as a person uses it. */
export async function signIn(page: Page, { email, password }: Account): Promise<void> {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

export const SESSION_COOKIE = 'keeptrusts.session'

/** The cookie that holds the session of a browser. */
export async function sessionCookie(context: BrowserContext) {
  const cookie = (await context.cookies()).find(({ name }) => name === SESSION_COOKIE)
  if (!cookie) throw new Error('This browser has no session.')
  return cookie
}
