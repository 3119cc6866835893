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

let lastMs = 0
let counter = 0

/**
 * `prefix_` + UUIDv7 (RFC 9562 section 5.7) as 32 hex digits.
 *
 * Sorts by creation: exactly within one process (a 12-bit counter fills `rand_a`), to the millisecond across several.
 */
export function newId<P extends IdPrefix>(prefix: P): `${P}_${string}` {
  const now = Date.now()
  if (now > lastMs) {
    lastMs = now
    counter = ((randomByte() << 8) | randomByte()) & 0x7ff // half of the room stays free for ids of the same millisecond
  } else {
    counter += 1
    if (counter > 0xfff) {
      lastMs += 1
      counter = 0
    }
  }
  const time = lastMs.toString(16).padStart(12, '0')
  const sub = (0x7000 | counter).toString(16)
  const tail = randomTail()
  return `${prefix}_${time}${sub}${tail}`
}

const POOL_BYTES = 4_096
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const pool = new Uint8Array(POOL_BYTES)
let poolAt = POOL_BYTES

/** Drawn in advance: a call for randomness costs more than the rest of an id. */
function randomByte(): number {
  if (poolAt === POOL_BYTES) {
    crypto.getRandomValues(pool)
    poolAt = 0
  }
  const byte = pool[poolAt] ?? 0
  poolAt += 1
  return byte
}

/** 62 random bits under the variant of RFC 9562, hex. */
function randomTail(): string {
  let tail = HEX[(randomByte() & 0x3f) | 0x80] ?? ''
  for (let left = 7; left > 0; left--) tail += HEX[randomByte()] ?? ''
  return tail
}
