/** A feature is known by so many bits of its hash. */
const FEATURE_BITS = 24
const FEATURE_MASK = (1 << FEATURE_BITS) - 1

/** The first word of a text ends no pair. */
export const NO_PAIR = -1

/** Takes in a text word by word: where a word stands, its own feature, and that of the pair that it ends. */
export type FeatureSink = {
  word(start: number, end: number, own: number, pair: number): void
}

/**
 * What a text is judged by: its words, and two of them in a row. Scripts that put no blanks between words are read
 * character by character.
 *
 * @param text normal, or in ASCII
 */
export function readFeatures(text: string, sink: FeatureSink): void {
  const { length } = text
  let last = 0
  let isFirst = true
  for (let at = 0; at < length; at++) {
    let code = codeOf(text.charCodeAt(at))
    if (code === BETWEEN) continue
    const start = at
    let hash = Math.imul(FNV_OFFSET ^ code, FNV_PRIME)
    if (code > 0) {
      for (at += 1; at < length; at++) {
        code = codeOf(text.charCodeAt(at))
        if (code <= BETWEEN) break
        hash = Math.imul(hash ^ code, FNV_PRIME)
      }
      at -= 1
    }
    sink.word(start, at + 1, mixed(hash), isFirst ? NO_PAIR : mixed(Math.imul(last, 31) ^ hash))
    last = hash
    isFirst = false
  }
}

/** Words are hashed by FNV-1a. */
const FNV_OFFSET = 0x811c9dc5 | 0
const FNV_PRIME = 0x01000193

/** The last steps of MurmurHash3, so that the low bits depend on all. */
function mixed(hash: number): number {
  let bits = hash ^ (hash >>> 16)
  bits = Math.imul(bits, 0x85ebca6b)
  bits ^= bits >>> 13
  bits = Math.imul(bits, 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) & FEATURE_MASK
}

const BETWEEN = 0
const UNKNOWN = 0x10000
/** By UTF-16 unit: what it adds to a word, negative for one that is a word by itself. All digits are the same. */
const codes = new Int32Array(0x10000).fill(UNKNOWN)

const codeOf = (unit: number): number => {
  const code = codes[unit] as number
  return code === UNKNOWN ? lookUp(unit) : code
}

const WORD = /[\p{L}\p{N}\p{M}]/u
const UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u

function lookUp(unit: number): number {
  const sign = String.fromCharCode(unit)
  const inWord = /\p{Nd}/u.test(sign) ? 0x30 : unit < 0x80 ? sign.toLowerCase().charCodeAt(0) : unit
  const code = !WORD.test(sign) ? BETWEEN : UNSPACED.test(sign) ? -unit : inWord
  codes[unit] = code
  return code
}
