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
    counter = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0
    counter &= 0x7ff // half of the room stays free for ids of the same millisecond
  } else {
    counter += 1
    if (counter > 0xfff) {
      lastMs += 1
      counter = 0
    }
  }
  const random = crypto.getRandomValues(new Uint8Array(8))
  random[0] = ((random[0] ?? 0) & 0x3f) | 0x80
  const time = lastMs.toString(16).padStart(12, '0')
  const sub = (0x7000 | counter).toString(16)
  let tail = ''
  for (const byte of random) tail += byte.toString(16).padStart(2, '0')
  return `${prefix}_${time}${sub}${tail}`
}

/** Milliseconds since the epoch that a UUIDv7 id carries, or undefined when the id is not one of ours. */
export function timeOfId(id: string): number | undefined {
  const match = /^[a-z]+_([0-9a-f]{12})7[0-9a-f]{19}$/.exec(id)
  return match?.[1] ? Number.parseInt(match[1], 16) : undefined
}
