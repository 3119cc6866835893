import type { IncomingHttpHeaders } from 'node:http'
import { lowerName } from './header-names'

/** The head of an answer that is as plain as those of providers are. */
export type PlainAnswer = {
  status: number
  headers: IncomingHttpHeaders
  /** Of the head, with the empty line behind it. */
  bytes: number
  /** null when the body comes in chunks. */
  bodyBytes: number | null
  /** For how long the connection may be used again; null when the provider does not say. */
  keepAliveMs: number | null
}

/** No more than undici takes. */
const BYTES_MAX = 16_000
const HEADERS_MAX = 100

/** A part of what RFC 9112 allows, as for requests (`plain-head.ts`). A value may be empty here. */
const PLAIN = /^HTTP\/1\.1 [2-5][0-9][0-9] [\t -~]*\r\n(?:[A-Za-z0-9-]+: ?(?:[!-~][\t -~]*)?\r\n)+\r\n/
const LENGTH = /^(?:0|[1-9][0-9]{0,11})$/
const STATUS_AT = 'HTTP/1.1 '.length

/** They change how a message is read. */
const NOT_PLAIN = ['upgrade', 'trailer', 'proxy-connection', 'http2-settings']
/** What they say twice can be read in two ways. */
const ONCE = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'content-type',
  'content-encoding',
])

/**
 * Reads what `bytes` begin with.
 *
 * @returns null for anything but a whole and plain head of an answer whose end can be told; it may still be a good one
 */
export function readPlainAnswer(bytes: Buffer): PlainAnswer | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1 || end > BYTES_MAX) return null
  // Not a byte more: who keeps a value of it keeps all of it.
  const text = bytes.toString('latin1', 0, end + 4)
  if (!PLAIN.test(text)) return null
  const status = Number(text.slice(STATUS_AT, STATUS_AT + 3))
  const headers: Record<string, string | string[]> = {}
  let count = 0
  let at = text.indexOf('\r\n') + 2
  while (at < end) {
    const colon = text.indexOf(':', at)
    const lineEnd = text.indexOf('\r\n', colon)
    const valueAt = text.charCodeAt(colon + 1) === BLANK ? colon + 2 : colon + 1
    if (valueAt < lineEnd && text.charCodeAt(lineEnd - 1) <= BLANK) return null
    if (!add(headers, lowerName(text.slice(at, colon)), text.slice(valueAt, lineEnd))) return null
    count += 1
    at = lineEnd + 2
  }
  if (count > HEADERS_MAX || status === 204 || status === 304) return null
  for (const name of NOT_PLAIN) if (headers[name] !== undefined) return null
  const { connection, 'keep-alive': keepAlive } = headers
  if (connection !== undefined && String(connection).toLowerCase() !== 'keep-alive') return null
  const bodyBytes = bodyBytesOf(headers)
  if (bodyBytes === undefined) return null
  return { status, headers, bytes: end + 4, bodyBytes, keepAliveMs: keepAliveMsOf(keepAlive) }
}

const BLANK = 0x20

/** @returns whether nobody can read it otherwise */
function add(headers: Record<string, string | string[]>, name: string, value: string): boolean {
  const known = headers[name]
  if (known === undefined) headers[name] = value
  // Also those that every object has, such as `constructor`.
  else if (ONCE.has(name) || !Object.hasOwn(headers, name)) return false
  else if (typeof known === 'string') headers[name] = [known, value]
  else known.push(value)
  return true
}

/** @returns undefined when the end cannot be told */
function bodyBytesOf({ 'content-length': length, 'transfer-encoding': encoding }: IncomingHttpHeaders) {
  if (encoding !== undefined) return length === undefined && encoding.toLowerCase() === 'chunked' ? null : undefined
  return length !== undefined && LENGTH.test(length) ? Number(length) : undefined
}

function keepAliveMsOf(said: string | string[] | undefined): number | null {
  const seconds = /timeout=(\d{1,6})\b/i.exec(String(said))?.[1]
  return seconds === undefined ? null : Number(seconds) * 1_000
}
