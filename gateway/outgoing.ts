import type { Target } from '@/lib/policy/compile'
import type { Ask } from './ask'
import { usageAsked } from './ask'
import { type Call, type Json, NO_OPTIONS, type ProviderAdapter } from './providers/adapter'
import { adapterOf, joinPath } from './providers/all'
import { signedHeaders } from './providers/bedrock/sign'

/** What goes to a provider for one attempt. */
export type Outgoing = {
  adapter: ProviderAdapter
  call: Call
  /** The caller's shape is one that the provider speaks: its answer needs no conversion. */
  isNative: boolean
  path: string
  /** Flat `[name, value, ...]`: what is peculiar to this call. */
  headers: readonly string[]
  body: Buffer
}

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
  requestId: string,
  nowMs: number,
): Outgoing | Promise<Outgoing> {
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
  const call: Call = { model, stream: ask.stream, requestId, nowMs, options }
  const isNative = adapter.native.includes(ask.surface.shape)
  if (isNative) {
    const path = pathOf(target, adapter.path(ask.surface.shape, call))
    return { adapter, call, isNative, path, headers: NO_HEADERS, body: nativeBody(ask, adapter, call) }
  }
  const { path, body } = adapter.chat.request(ask.surface.toChat(ask.body), call)
  const outgoing = {
    adapter,
    call,
    isNative,
    path: pathOf(target, path),
    headers: NO_HEADERS,
    body: Buffer.from(JSON.stringify(body)),
  }
  return adapter.auth === 'aws_sigv4' ? signed(outgoing, target, secret) : outgoing
}

const NO_HEADERS: readonly string[] = []

function nativeBody(ask: Ask, adapter: ProviderAdapter, call: Call): Buffer {
  const renamed: Json = call.model === ask.model ? ask.body : { ...ask.body, model: call.model }
  const adjusted = adapter.adjust(ask.surface.shape, renamed, call) ?? renamed
  if (adjusted === ask.body) return usageAsked(ask)
  return usageAsked({ ...ask, body: adjusted, bytes: Buffer.from(JSON.stringify(adjusted)) })
}

const pathOf = ({ baseUrl }: Target, path: string): string => {
  if (baseUrl === null) return path
  return joinPath(baseUrl, path)
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
