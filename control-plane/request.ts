import { isUtf8 } from 'node:buffer'
import type { z } from 'zod'
import { type Endpoint, pathNames } from '@/lib/contract/endpoint'
import { AppError } from '@/lib/errors'
import { JsonRefused, parseBoundedJson } from '@/lib/json'
import { IN_PLAIN_WORDS } from '@/lib/plain-issues'
import type { Actor, Context } from './context'
import { etagOf, namesEtag } from './etag'
import { once } from './idempotency/commands'
import type { Bound } from './routes'
import { Written } from './written'

/** Default deny: an endpoint names its permission, and the caller holds it or is told which one is missing. */
export function checkAccess(actor: Actor, { access }: Endpoint): void {
  if (access === 'signed_in' || access === 'public' || actor.permissions.has(access)) return
  throw new AppError('forbidden', `This needs the permission ${access}.`)
}

/** The body's bytes, or undefined for methods that have none. Bounded by the endpoint's limit. */
export async function readBody(endpoint: Endpoint, raw: Request): Promise<Buffer | undefined> {
  if (endpoint.method === 'GET' || endpoint.method === 'DELETE') return undefined
  const type = raw.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (raw.body && type !== 'application/json') {
    throw new AppError('unsupported_media_type', 'Send the body as application/json.')
  }
  const tooLarge = () => new AppError('body_too_large', `The body may have ${endpoint.bodyBytesMax} bytes.`)
  if (Number(raw.headers.get('content-length') ?? 0) > endpoint.bodyBytesMax) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of raw.body ?? []) {
    size += chunk.byteLength
    if (size > endpoint.bodyBytesMax) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Query or body, and the names in the path, checked against the contract. */
export function parseInput<E extends Endpoint>(
  endpoint: E,
  raw: Request,
  params: Record<string, string>,
  body: Buffer | undefined,
): z.output<E['input']> {
  const given = body === undefined ? queryOf(raw) : objectOf(body)
  for (const name of pathNames(endpoint.path)) {
    if (Object.hasOwn(given, name)) throw new AppError('invalid_request', `${name} is given by the path.`)
    given[name] = params[name]
  }
  const parsed = endpoint.input.safeParse(given, IN_PLAIN_WORDS)
  if (parsed.success) return parsed.data as z.output<E['input']>
  const errors = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join('.'), message }))
  const detail = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
  throw new AppError('invalid_request', detail, { errors, cause: parsed.error })
}

function queryOf(raw: Request): Record<string, unknown> {
  const given: Record<string, unknown> = Object.create(null)
  for (const [name, value] of new URL(raw.url).searchParams) {
    if (Object.hasOwn(given, name)) throw new AppError('invalid_request', `${name} is given twice.`)
    given[name] = value
  }
  return given
}

function objectOf(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {}
  if (!isUtf8(body)) throw new AppError('invalid_request', 'The body is not valid UTF-8.')
  const parsed = parseOrRefuse(body)
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new AppError('invalid_request', 'The body must be a JSON object.')
  }
  return parsed as Record<string, unknown>
}

function parseOrRefuse(body: Buffer): unknown {
  try {
    return parseBoundedJson(body)
  } catch (thrown) {
    if (thrown instanceof JsonRefused)
      throw new AppError('invalid_request', `The body is ${thrown.message}.`, { cause: thrown })
    throw thrown
  }
}

/** Runs an operation, at most once per Idempotency-Key, and answers in the contract's shape. */
export async function run(
  ctx: Context,
  route: Extract<Bound, { kind: 'operation' }>,
  raw: Request,
  input: Record<string, unknown>,
): Promise<Response> {
  const { endpoint } = route
  const key = endpoint.idempotent ? raw.headers.get('idempotency-key') : null
  if (key !== null) {
    const work = async () => checkAnswer(endpoint, await route.run(ctx, input))
    const { answer, replayed } = await once(ctx, endpoint, key, input, work)
    return json(answer, endpoint.status, replayed ? { 'idempotent-replayed': 'true' } : {})
  }
  const output = await route.run(ctx, input)
  if (output instanceof Written) return jsonText(output.json, endpoint.status)
  const answer = checkAnswer(endpoint, output)
  return endpoint.etag ? conditional(route.etagOf?.(answer) ?? answer, answer, raw) : json(answer, endpoint.status)
}

export const answerJson = (endpoint: Endpoint, output: unknown): Response =>
  json(checkAnswer(endpoint, output), endpoint.status)

/** Keeps what the contract names and nothing else. A mismatch is our mistake, so it surfaces as `internal`. */
const checkAnswer = (endpoint: Endpoint, output: unknown): unknown => endpoint.output.parse(output)

/** RFC 9110 section 13: an answer the caller already has is not sent again. */
function conditional(covered: unknown, answer: unknown, raw: Request): Response {
  const headers = { etag: etagOf(covered), 'cache-control': 'no-cache' }
  const known = raw.headers.get('if-none-match')
  if (known !== null && namesEtag(known, headers.etag)) return new Response(null, { status: 304, headers })
  return json(answer, 200, headers)
}

const json = (answer: unknown, status: number, headers: Record<string, string> = {}): Response =>
  jsonText(JSON.stringify(answer), status, headers)

const jsonText = (text: string, status: number, headers: Record<string, string> = {}): Response =>
  new Response(text, {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
