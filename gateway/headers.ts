import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { newId } from '@/lib/ids'

/** The caller's own id when it is safe to repeat in headers, logs and records; a new one otherwise. */
export const requestIdOf = (given: string | string[] | undefined): string =>
  typeof given === 'string' && REQUEST_ID.test(given) ? given : newId('req')

const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/

/** The caller's trace (W3C Trace Context, version 00) when it is valid; a new one otherwise. */
export const traceparentOf = (given: string | string[] | undefined): string =>
  typeof given === 'string' && TRACEPARENT.test(given) ? given : newTraceparent()

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

let randomHex = ''
let randomAt = 0

/** Randomness is drawn 4 KB at a time: a call into the kernel per request would cost more than the rest of this. */
function newTraceparent(): string {
  if (randomAt + 48 > randomHex.length) {
    randomHex = randomBytes(4_080).toString('hex')
    randomAt = 0
  }
  const trace = randomHex.slice(randomAt, randomAt + 32)
  const span = randomHex.slice(randomAt + 32, randomAt + 48)
  randomAt += 48
  return `00-${trace}-${span}-01`
}

/** A header that becomes part of the record: one value of printable ASCII, or nothing. */
export const plainHeader = (given: string | string[] | undefined, lengthMax: number): string | null =>
  typeof given === 'string' && given.length <= lengthMax && PRINTABLE.test(given) ? given : null

const PRINTABLE = /^[\x20-\x7e]+$/

/** What of a provider's answer reaches the caller. Everything else stays here: cookies, servers' names, internals. */
export function passedHeaders(headers: IncomingHttpHeaders): string[] {
  const passed: string[] = []
  for (const name in headers) {
    if (!PASSED.test(name)) continue
    const value = headers[name]
    if (typeof value === 'string') passed.push(name, value)
  }
  return passed
}

const PASSED = /^(?:openai-(?!organization$|project$)[a-z0-9-]+|x-ratelimit-[a-z0-9-]+|retry-after(?:-ms)?)$/

export const withoutMapping = (address: string | undefined): string =>
  address === undefined ? '' : address.startsWith('::ffff:') ? address.slice(7) : address
