import type { IncomingHttpHeaders } from 'node:http'
import type { Target } from '@/lib/policy/compile'
import { type Ask, usageAsked } from './ask'
import { Refusal } from './errors'
import { plainHeader } from './headers'
import { readUsage } from './meter'
import { type Call, type Json, NO_OPTIONS, type ProviderAdapter, type ProviderRequest } from './providers/adapter'
import { adapterOf, joinPath } from './providers/all'
import { signedHeaders } from './providers/bedrock/sign'
import { refusal } from './providers/chat'
import { renameModel } from './providers/rename-model'
import { withFormTexts } from './surfaces/audio-form'

/** What goes to a provider for one attempt. */
export type Outgoing = {
  adapter: ProviderAdapter
  call: Call
  /** The caller's shape is one that the provider speaks: its answer needs no conversion. */
  isNative: boolean
  path: string
  contentType: string
  accept: string
  /** Flat `[name, value, ...]`: what is peculiar to this call. */
  headers: readonly string[]
  body: Buffer
}

/** What of a request every attempt shares. */
export type AskedWith = { requestId: string; nowMs: number; headers: IncomingHttpHeaders }

/**
 * The targets that can be asked now and have the API that is asked for.
 *
 * @throws Refusal when there is none
 */
export function servingOf(ask: Ask, tiers: readonly (readonly Target[])[]): (readonly Target[])[] {
  const usable = tiers
    .map((tier) => tier.filter(({ unavailable }) => unavailable === null))
    .filter((tier) => tier.length > 0)
  if (usable.length === 0) {
    throw new Refusal('upstream_credentials_exhausted', `No provider of ${ask.model} can be used right now.`)
  }
  const serving = usable.map((tier) => tier.filter((target) => serves(target, ask))).filter((tier) => tier.length > 0)
  if (serving.length > 0) return serving
  throw new Refusal('invalid_request', `No provider of ${ask.model} serves ${ask.surface.path}.`, { param: 'model' })
}

/** Whether a provider has anything like the API that is asked for, whatever the request then says. */
function serves({ provider }: Target, { surface }: Ask): boolean {
  const { native, embeddings } = adapterOf(provider)
  if (native.includes(surface.shape)) return true
  if (EMBEDDINGS.has(surface.shape)) return embeddings !== null || native.includes('openai_embeddings')
  return CHATS.has(surface.shape)
}

/** These become each other. */
const CHATS: ReadonlySet<string> = new Set(['openai_chat', 'openai_responses', 'anthropic_messages', 'gemini_content'])
/** And these. */
const EMBEDDINGS: ReadonlySet<string> = new Set(['openai_embeddings', 'gemini_embeddings'])

/**
 * Puts together the request of one attempt. In a shape that the provider speaks the caller's own bytes go on, with no more
 * changed than has to be.
 *
 * @returns a promise only where the request has to be signed
 * @throws Refusal `invalid_request` naming what cannot be said to this provider
 */
export function outgoingFor(
  ask: Ask,
  target: Target,
  secret: string | null,
  asked: AskedWith,
): Outgoing | Promise<Outgoing> {
  const { surface, stream, contentType } = ask
  const adapter = adapterOf(target.provider)
  const model = target.modelMap.get(ask.model) ?? ask.model
  const options =
    target.azure === null && target.aws === null
      ? NO_OPTIONS
      : {
          azureApiVersion: target.azure?.apiVersion ?? null,
          azureDeployment: target.azure?.deployment ?? null,
          awsRegion: target.aws?.region ?? null,
        }
  const { requestId, nowMs } = asked
  const call: Call = { model, stream, addressed: surface.addressed, requestId, nowMs, options }
  const isNative = adapter.native.includes(surface.shape)
  const accept = stream ? 'text/event-stream' : (ACCEPTED[surface.shape] ?? 'application/json')
  const headers = headersFor(adapter, target, isNative ? asked.headers : NO_CALLER)
  if (isNative) {
    const path = pathOf(target, adapter.path(surface.shape, call))
    return { adapter, call, isNative, path, contentType, accept, headers, body: nativeBody(ask, adapter, call) }
  }
  const { path, body } = converted(ask, adapter, call)
  const outgoing: Outgoing = {
    adapter,
    call,
    isNative,
    path: pathOf(target, path),
    contentType: 'application/json',
    accept,
    headers,
    body: Buffer.from(JSON.stringify(body)),
  }
  return adapter.auth === 'aws_sigv4' ? signed(outgoing, target, secret) : outgoing
}

/**
 * A provider's answer in the caller's shape.
 *
 * @throws ProviderFault when it is no answer
 */
export function convertedAnswer(given: Json, { adapter, call }: Outgoing, { surface, body }: Ask, asked: AskedWith) {
  if (EMBEDDINGS.has(surface.shape)) {
    const list = adapter.embeddings === null ? given : adapter.embeddings.answer(given, call, surface.toChat(body))
    return { json: surface.answer(list, { body, ...asked }), usage: readUsage(list) }
  }
  const completion = adapter.chat.answer(given, call)
  return { json: surface.answer(completion, { body, ...asked }), usage: readUsage(completion) }
}

function converted({ surface, body }: Ask, adapter: ProviderAdapter, call: Call): ProviderRequest {
  const asked = surface.toChat(body)
  if (!EMBEDDINGS.has(surface.shape)) return adapter.chat.request(asked, call)
  if (adapter.embeddings !== null) return adapter.embeddings.request(asked, call)
  if (asked.input_type !== undefined) throw refusal('taskType', `cannot be converted for ${adapter.title}`)
  return { path: adapter.path('openai_embeddings', call), body: { ...asked, model: call.model } }
}

/** What answers in other than JSON, or may. */
const ACCEPTED: Readonly<Record<string, string>> = { audio_transcriptions: '*/*', audio_speech: '*/*' }
const NO_HEADERS: readonly string[] = []
const NO_CALLER: IncomingHttpHeaders = {}
const CALLER_HEADER_LENGTH_MAX = 1_000

/** The provider's own, the caller's over those where the API lets callers say so, and the target's over both. */
function headersFor({ headers, passes }: ProviderAdapter, target: Target, caller: IncomingHttpHeaders) {
  if (passes.length === 0 && Object.keys(headers).length === 0) return NO_HEADERS
  const said = new Map(Object.entries(headers))
  for (const name of passes) {
    const value = plainHeader(caller[name], CALLER_HEADER_LENGTH_MAX)
    if (value !== null) said.set(name, value)
  }
  for (const name in target.headers) said.delete(name.toLowerCase())
  return said.size === 0 ? NO_HEADERS : [...said].flat()
}

/** Only the bytes that have to change do: numbers of any size and fields nobody knows arrive as they were written. */
function nativeBody(ask: Ask, adapter: ProviderAdapter, call: Call): Buffer {
  const { model } = call
  const { form, bytes, body, surface } = ask
  if (form !== null) return model === ask.model ? bytes : withFormTexts(bytes, form, model, null)
  const adjusted = adapter.adjust(surface.shape, body, call)
  const changed = adjusted === null ? ask : { ...ask, body: adjusted, bytes: Buffer.from(JSON.stringify(adjusted)) }
  const asking = adapter.asksForUsage ? usageAsked(changed) : changed.bytes
  return model === ask.model || surface.addressed !== undefined ? asking : renameModel(asking, model)
}

const PATHS_MAX = 100
const paths = new WeakMap<URL, Map<string, string>>()

/** Providers have few paths, but for those with the model in it: these are put together each time. */
const pathOf = ({ baseUrl }: Target, path: string): string => {
  if (baseUrl === null) return path
  let known = paths.get(baseUrl)
  if (known === undefined) {
    known = new Map()
    paths.set(baseUrl, known)
  }
  const before = known.get(path)
  if (before !== undefined) return before
  const joined = joinPath(baseUrl, path)
  if (known.size < PATHS_MAX) known.set(path, joined)
  return joined
}

async function signed(outgoing: Outgoing, { aws, baseUrl }: Target, secret: string | null): Promise<Outgoing> {
  if (aws === null || baseUrl === null || secret === null)
    throw new Error('a signed call needs an address and a secret')
  const credentials = { accessKeyId: aws.accessKeyId, secretAccessKey: secret, sessionToken: aws.sessionToken }
  const text = outgoing.body.toString('utf8')
  const url = new URL(outgoing.path, baseUrl)
  const headers = await signedHeaders(url, text, credentials, aws.region, outgoing.call.nowMs)
  return { ...outgoing, headers: Object.entries(headers).flat() }
}
