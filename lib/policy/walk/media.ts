import { bytesOfBase64, headLength, isBase64Head } from '../engine/coded-text'
import { isTextType, typeByName, typeBySignature } from '../kinds/document-content'

/** Enough to tell text from everything else. */
const SAMPLE = 1_024
const CONTROL = /[\x00-\x08\x0e-\x1a\x1c-\x1f]/

/**
 * Whether a file is text that a model would read as it stands. What its type or name says is enough; where they say nothing
 * (a provider guesses too), its first bytes decide.
 *
 * @param content base64, or the rest of a `data:` address
 */
export function mayBeText(content: string, type: string | null, name: string | null): boolean {
  const said = type === null || type === 'application/octet-stream' ? typeByName(name) : type.toLowerCase()
  if (said !== null && isTextType(said)) return true
  if (said !== null && said !== 'application/octet-stream') return false
  const head = content.slice(0, SAMPLE)
  const sample = bytesOfBase64(LETTERS.test(head) ? head : content.replace(NO_LETTERS, '').slice(0, SAMPLE))
  return sample !== null && sample !== '' && typeBySignature(sample) === null && !CONTROL.test(sample)
}

const LETTERS = /^[A-Za-z0-9+/_-]*$/
const NO_LETTERS = /[^A-Za-z0-9+/=_-]+/g

/** What a `data:` address or bare base64 says about a file without reading it; `data` is its content, when that is base64. */
export function mediaOf(url: string | null): {
  type: string | null
  bytes: number | null
  url: string | null
  data?: string
} {
  if (url === null) return { type: null, bytes: null, url: null }
  const comma = headLength(url)
  if (comma === -1) return { type: null, bytes: null, url: url.slice(0, 2_000) }
  const head = url.slice('data:'.length, comma)
  const content = url.slice(comma + 1)
  const type = head.split(';')[0]?.trim() || null
  return { type, bytes: base64Bytes(content), url: null, ...(isBase64Head(head) ? { data: content } : {}) }
}

/** What has a sign that base64 has not, at its beginning, and is no `data:` address. */
export const isAddress = (value: string) =>
  headLength(value) === -1 && /[^A-Za-z0-9+/=_\s-]/.test(value.slice(0, 2_000))

export function base64Bytes(data: unknown): number | null {
  if (typeof data !== 'string') return null
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0
  return Math.floor(((data.length - padding) * 3) / 4)
}
