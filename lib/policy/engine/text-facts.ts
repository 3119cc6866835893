import { asciiBytes, asciiWords, utf8Length } from './ascii-bytes'
import type { NormalText, Span } from './policy'

/** What one look at a text says about it, so that detectors need not look where they cannot find anything. */
export type TextFacts = {
  isAscii: boolean
  /** Printable ASCII, tab and line ends: normalisation only has to put it into lower case. */
  isPlain: boolean
  /** As it travels, in UTF-8. */
  bytes: number
  /** Where each run of digits begins and ends, one after the other; null when the text is not ASCII. */
  digitRuns: readonly number[] | null
  /** What a policy worked out and the next of the chain can use: null until then. */
  plain: PlainText | null
  numbersAndCodes: readonly (Span & { rule: string })[] | null
}

/** The text as detectors of numbers and codes read it. */
export type PlainText = NormalText & {
  /** As of an ASCII text; null when that is not known. */
  digitRuns: readonly number[] | null
}

const NO_RUNS: readonly number[] = []

/** Four characters at a time; only a word that holds a digit or a control character is looked at closely. */
export function factsOf(text: string): TextFacts {
  const { length } = text
  const bytes = asciiBytes(text)
  if (bytes === null)
    return {
      isAscii: false,
      isPlain: false,
      bytes: utf8Length(text),
      digitRuns: null,
      plain: null,
      numbersAndCodes: null,
    }
  const words = asciiWords(bytes)
  const wordCount = (length + 3) >> 2
  let runs: number[] | null = null
  let runEnd = -1
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
      if (byte >= 0x30 && byte <= 0x39) {
        runs ??= []
        if (runEnd === at) runs[runs.length - 1] = at + 1
        else runs.push(at, at + 1)
        runEnd = at + 1
      } else if (byte === 0x7f || (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13)) isPlain = false
    }
  }
  return { isAscii: true, isPlain, bytes: length, digitRuns: runs ?? NO_RUNS, plain: null, numbersAndCodes: null }
}

const HIGH_BITS = 0x80808080 | 0
