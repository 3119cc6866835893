import { lowerName } from './header-names'

/** The head of a request that is as plain as nearly all are. */
export type PlainHead = {
  url: string
  headers: Record<string, string>
  /** Flat `[name, value, ...]`, names as they were sent. */
  rawHeaders: string[]
  /** Of the head, with the empty line behind it. */
  bytes: number
  bodyBytes: number
}

const BYTES_MAX = 16_384
const HEADERS_MAX = 100

/**
 * A part of what RFC 9112 allows: one way to write a line, and no byte in it that anybody reads in two ways. A value that
 * ends in a blank is sorted out below.
 */
const PLAIN = /^POST \/[a-z0-9/_]+ HTTP\/1\.1\r\n(?:[A-Za-z0-9-]+: [!-~][\t -~]*\r\n)+\r\n/
const LENGTH = /^(?:0|[1-9][0-9]{0,8})$/
const URL_AT = 'POST '.length

/** They change how a message is read, or come more than once. */
const NOT_PLAIN = [
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
  'set-cookie',
]

/**
 * Reads what `bytes` begin with.
 *
 * @returns null for anything but a whole and plain head of a request with a length; it may still be a good one
 */
export function readPlainHead(bytes: Buffer): PlainHead | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1 || end > BYTES_MAX) return null
  // Not a byte more: who keeps a value of it keeps all of it.
  const text = bytes.toString('latin1', 0, end + 4)
  if (!PLAIN.test(text)) return null
  const urlEnd = text.indexOf(' ', URL_AT)
  const headers: Record<string, string> = {}
  const rawHeaders: string[] = []
  let at = text.indexOf('\r\n') + 2
  while (at < end) {
    const colon = text.indexOf(':', at)
    const lineEnd = text.indexOf('\r\n', colon)
    const name = text.slice(at, colon)
    const value = text.slice(colon + 2, lineEnd)
    const key = lowerName(name)
    // Also those that every object has, such as `constructor`.
    if (headers[key] !== undefined || text.charCodeAt(lineEnd - 1) <= BLANK) return null
    headers[key] = value
    rawHeaders.push(name, value)
    at = lineEnd + 2
  }
  const { host, connection, 'content-length': length } = headers
  if (host === undefined || length === undefined || !LENGTH.test(length) || rawHeaders.length > HEADERS_MAX * 2)
    return null
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return null
  for (const name of NOT_PLAIN) if (headers[name] !== undefined) return null
  return { url: text.slice(URL_AT, urlEnd), headers, rawHeaders, bytes: end + 4, bodyBytes: Number(length) }
}

const BLANK = 0x20
