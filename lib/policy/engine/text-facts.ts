import {
  asciiBytes,
  asciiWords,
  encodePiece,
  FIRST_OF_FOUR,
  FIRST_OF_SEVERAL,
  pieceEnd,
  pointAt,
  UTF8,
} from './ascii-bytes'
import type { NormalText, Span } from './policy'
import { isSign } from './signs'

/** What one look at a text says about it, so that detectors need not look where they cannot find anything. */
export type TextFacts = {
  /** All letters and digits are ASCII: it is an ASCII text, or a plain one. */
  hasAsciiWords: boolean
  /** Printable ASCII, tab, line ends and signs (signs.ts): normalisation only has to put it into lower case. */
  isPlain: boolean
  /** As it travels, in UTF-8. */
  bytes: number
  /** Where each run of ASCII digits begins and ends, one after the other. */
  digitRuns: readonly number[]
  /** What a policy worked out and the next of the chain can use: null until then. */
  plain: PlainText | null
  numbersAndCodes: readonly (Span & { rule: string })[] | null
}

/** The text as detectors of numbers and codes read it. */
export type PlainText = NormalText & {
  /** Of this text. */
  digitRuns: readonly number[]
}

/** Runs of digits, noted one digit at a time. */
class Runs {
  found: number[] | null = null
  #end = -1

  add(at: number): void {
    this.found ??= []
    if (this.#end === at) this.found[this.found.length - 1] = at + 1
    else this.found.push(at, at + 1)
    this.#end = at + 1
  }
}

const NO_RUNS: readonly number[] = []

export function factsOf(text: string): TextFacts {
  const bytes = asciiBytes(text)
  return bytes === null ? factsOfAny(text) : factsOfAscii(bytes, text.length)
}

/** Four characters at a time; only a word that holds a digit or a control character is looked at closely. */
function factsOfAscii(bytes: Uint8Array, length: number): TextFacts {
  const words = asciiWords(bytes)
  const wordCount = (length + 3) >> 2
  const runs = new Runs()
  let isPlain = true
  for (let i = 0; i < wordCount; i++) {
    const word = words[i] as number
    // The high bit of a byte of each sum: at least 0x30; at least 0x3a; at least 0x20; 0x7f. No sum reaches the next byte.
    const digits = (word + 0x50505050) & ~(word + 0x46464646)
    const odd = ~(word + 0x60606060) | (word + 0x01010101)
    if (((digits | odd) & HIGH_BITS) === 0) continue
    const end = Math.min(length, (i << 2) + 4)
    for (let at = i << 2; at < end; at++) {
      const byte = bytes[at] as number
      if (isDigit(byte)) runs.add(at)
      else if (isControl(byte)) isPlain = false
    }
  }
  return factsWith(true, isPlain, length, runs)
}

function factsOfAny(text: string): TextFacts {
  const runs = new Runs()
  let isPlain = true
  let bytes = 0
  let at = 0
  for (let from = 0; from < text.length; ) {
    const to = pieceEnd(text, from)
    const end = encodePiece(text, from, to)
    for (let i = 0; i < end; i++) {
      const byte = UTF8[i] as number
      if (byte < 0x80) {
        if (isDigit(byte)) runs.add(at)
        else if (isControl(byte)) isPlain = false
        at += 1
      } else if (byte >= FIRST_OF_SEVERAL) {
        isPlain &&= isSign(pointAt(i))
        at += byte >= FIRST_OF_FOUR ? 2 : 1
      }
    }
    bytes += end
    from = to
  }
  return factsWith(isPlain, isPlain, bytes, runs)
}

const factsWith = (hasAsciiWords: boolean, isPlain: boolean, bytes: number, { found }: Runs): TextFacts => ({
  hasAsciiWords,
  isPlain,
  bytes,
  digitRuns: found ?? NO_RUNS,
  plain: null,
  numbersAndCodes: null,
})

const isDigit = (unit: number) => unit >= 0x30 && unit <= 0x39
const isControl = (unit: number) => unit === 0x7f || (unit < 0x20 && unit !== 9 && unit !== 10 && unit !== 13)

const HIGH_BITS = 0x80808080 | 0
