import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** What `slotOf` says of a feature without a weight. */
export const NO_FEATURE = -1

const SLOT_BITS = 16
const SLOTS = 1 << SLOT_BITS
const SLOT_MASK = SLOTS - 1

/** By the low bits of a feature. */
const FILTER_BITS = 17
const FILTER_MASK = (1 << (FILTER_BITS - 5)) - 1

/** Weights from -127 to 127, none of them 0, by feature (24 bits), in a hash table with open addresses. */
export class FeatureWeights {
  /** A feature, and its weight in the lowest eight bits; 0 is free. */
  readonly #entries = new Int32Array(SLOTS)
  /** Most features of a text have no weight; this says so of most of them, and is small enough to stay at hand. */
  readonly #filter = new Int32Array(FILTER_MASK + 1)

  constructor(weights: Iterable<readonly [feature: number, weight: number]>) {
    for (const [feature, weight] of weights) {
      let slot = feature & SLOT_MASK
      while (this.#entries[slot] !== 0) slot = (slot + 1) & SLOT_MASK
      this.#entries[slot] = (feature << 8) | (weight & 0xff)
      const word = (feature >>> 5) & FILTER_MASK
      this.#filter[word] = (this.#filter[word] as number) | (1 << (feature & 31))
    }
  }

  get slots(): number {
    return SLOTS
  }

  slotOf(feature: number): number {
    const bits = this.#filter[(feature >>> 5) & FILTER_MASK] as number
    if (((bits >>> (feature & 31)) & 1) === 0) return NO_FEATURE
    for (let slot = feature & SLOT_MASK; ; slot = (slot + 1) & SLOT_MASK) {
      const entry = this.#entries[slot] as number
      if (entry >>> 8 === feature) return slot
      if (entry === 0) return NO_FEATURE
    }
  }

  at(slot: number): number {
    return ((this.#entries[slot] as number) << 24) >> 24
  }

  /** @param text as `writeWeights` made it */
  static read(text: string): FeatureWeights {
    return new FeatureWeights(pairsIn(inflateRawSync(Buffer.from(text, 'base64'))))
  }
}

/** A weight, then how far it is from the feature before it, seven bits at a time, the lowest first. */
function* pairsIn(bytes: Uint8Array): Generator<[number, number]> {
  let feature = 0
  for (let at = 0; at < bytes.length; ) {
    const weight = ((bytes[at++] as number) << 24) >> 24
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number
      feature += (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    yield [feature, weight]
  }
}

/** @param weights at most half as many as the table has places */
export function writeWeights(weights: ReadonlyMap<number, number>): string {
  if (weights.size > SLOTS / 2) throw new RangeError(`${weights.size} weights are too many.`)
  const bytes: number[] = []
  let before = 0
  for (const [feature, weight] of [...weights].sort(([a], [b]) => a - b)) {
    bytes.push(weight & 0xff)
    let distance = feature - before
    for (; distance >= 0x80; distance >>>= 7) bytes.push((distance & 0x7f) | 0x80)
    bytes.push(distance)
    before = feature
  }
  return deflateRawSync(Uint8Array.from(bytes), { level: 9 }).toString('base64')
}
