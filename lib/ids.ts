/** Prefixes say what an id names, so that a log line or a support ticket can be read without a schema. */
export type IdPrefix =
  | 'org'
  | 'usr'
  | 'team'
  | 'tok'
  | 'sec'
  | 'ses'
  | 'evt'
  | 'req'
  | 'act'
  | 'gw'
  | 'cfg'
  | 'cfv'
  | 'rol'
  | 'qua'
  | 'hold'
  | 'dig'
  | 'ver'
  | 'snk'
  | 'exp'
  | 'exs'
  | 'bud'
  | 'rse'
  | 'lse'
  | 'ltx'
  | 'inv'
  | 'rpr'
  | 'view'

let lastMs = 0
let counter = 0
/** `lastMs` as 12 hex digits: many ids share a millisecond. */
let time = ''

/**
 * `prefix_` + UUIDv7 (RFC 9562 section 5.7) as 32 hex digits.
 *
 * Sorts by creation: exactly within one process (a 12-bit counter fills `rand_a`), to the millisecond across several.
 */
export function newId<P extends IdPrefix>(prefix: P): `${P}_${string}` {
  if (poolAt === POOL_BYTES) drawPool()
  const at = poolAt
  poolAt += BYTES_PER_ID
  const now = Date.now()
  if (now > lastMs) {
    lastMs = now
    counter = (((pool[at] ?? 0) << 8) | (pool[at + 1] ?? 0)) & 0x7ff // half of the room stays free for ids of the same millisecond
    time = hexOf(lastMs)
  } else {
    counter += 1
    if (counter > 0xfff) {
      lastMs += 1
      counter = 0
      time = hexOf(lastMs)
    }
  }
  const variant = VARIANTS[(pool[at + 2] ?? 0) >> 6]
  return `${prefix}_${time}${(0x7000 | counter).toString(16)}${variant}${poolHex.slice(2 * at + 5, 2 * at + 20)}`
}

/**
 * The same for a given time in milliseconds since 1970, such as that of a clock which was set right by another one. Ids of
 * one millisecond come in no order.
 */
export function newIdAt<P extends IdPrefix>(prefix: P, ms: number): `${P}_${string}` {
  const whole = Math.min(Math.max(Math.floor(ms), 0), TIME_MAX)
  if (whole !== givenMs) {
    givenMs = whole
    givenTime = hexOf(whole)
  }
  return `${prefix}_${givenTime}${newId(prefix).slice(-20)}`
}

let givenMs = -1
/** `givenMs` as 12 hex digits. */
let givenTime = ''

const TIME_MAX = 0xffff_ffff_ffff

/** Two for the counter, the upper half of one for the variant, and 60 bits for the rest. */
const BYTES_PER_ID = 10
const POOL_BYTES = 400 * BYTES_PER_ID
/** The variant of RFC 9562, with the two bits that are free beside it. */
const VARIANTS = ['8', '9', 'a', 'b'] as const
/** Characters of the digits from 0 to 15. */
const DIGITS = new TextEncoder().encode('0123456789abcdef')
const pool = new Uint8Array(POOL_BYTES)
const poolDigits = new Uint8Array(2 * POOL_BYTES)
const ascii = new TextDecoder()
let poolHex = ''
let poolAt = POOL_BYTES

const hexOf = (ms: number) => ms.toString(16).padStart(12, '0')

/** Drawn in advance: a call for randomness costs more than the rest of an id. */
function drawPool(): void {
  crypto.getRandomValues(pool)
  for (let at = 0; at < POOL_BYTES; at++) {
    const byte = pool[at] ?? 0
    poolDigits[2 * at] = DIGITS[byte >> 4] ?? 0
    poolDigits[2 * at + 1] = DIGITS[byte & 0xf] ?? 0
  }
  poolHex = ascii.decode(poolDigits)
  poolAt = 0
}
