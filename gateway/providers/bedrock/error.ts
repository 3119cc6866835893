import type { Json, ProviderError } from '../adapter'
import { stringOf } from '../completion'
import { providerError, readProviderError } from '../provider-error'

const KINDS: Readonly<Record<string, ProviderError['kind']>> = {
  accessdeniedexception: 'credential',
  expiredtokenexception: 'credential',
  unrecognizedclientexception: 'credential',
  throttlingexception: 'rate_limit',
  servicequotaexceededexception: 'quota',
  serviceunavailableexception: 'overloaded',
  modelnotreadyexception: 'overloaded',
  validationexception: 'invalid',
  resourcenotfoundexception: 'not_found',
}

/** An exception within a stream, by the name that its frame gives. */
export function bedrockException(name: string | null, body: Json): ProviderError {
  const key = (name ?? '').toLowerCase()
  const message = stringOf(body.message) || `The provider reported ${name ?? 'an error'}.`
  const kind = Object.hasOwn(KINDS, key) ? KINDS[key] : undefined
  return providerError(kind ?? 'server', message)
}

/** Before a stream, and without one, the status says it. */
export function bedrockError(status: number, body: Json | null): ProviderError {
  const type = stringOf(body?.__type).split('#').at(-1) ?? ''
  const known = Object.hasOwn(KINDS, type.toLowerCase()) && type.toLowerCase() !== 'validationexception'
  return known && body !== null ? bedrockException(type, body) : readProviderError(status, body)
}
