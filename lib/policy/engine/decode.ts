import { isPlainAscii } from './ascii'
import type { DecodedText, Span } from './policy'
import { step } from './time-limit'

/** Bounds per text: what lies beyond them is reported by `isCut`, never passed over in silence. */
const FOUND_MAX = 64
const RUN_UNITS_MAX = 65_536
const DECODED_UNITS_MAX = 262_144

/**
 * The shortest run that is tried: twelve bytes of base64 or hex, so that chance seldom makes text of a word. V8 regexes:
 * a test proves each of them linear.
 */
export const ENCODED_RUNS = {
  base64: /[A-Za-z0-9+/_-]{16,}={0,2}/g,
  hex: /(?:[0-9A-Fa-f]{2}){12,}|(?:\\x[0-9A-Fa-f]{2}){4,}/g,
  url: /(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9._~+-]){6,4096}/g,
}

/**
 * Text that is written as base64 (both alphabets), hex or percent-encoding inside another text. Only what decodes to
 * printable UTF-8 counts; what was encoded twice is given decoded twice as well. Spans are those of the encoded form.
 */
export function decodeHidden(text: string): { found: readonly DecodedText[]; isCut: boolean } {
  const longRuns = longRunsIn(text)
  if (longRuns.length === 0 && !text.includes('%') && !text.includes('\\x')) return NOTHING
  const found: DecodedText[] = []
  let unitsLeft = DECODED_UNITS_MAX
  let isCut = false
  const keep = (decoded: DecodedText): void => {
    if (found.length >= FOUND_MAX || decoded.text.length > unitsLeft) {
      isCut = true
      return
    }
    unitsLeft -= decoded.text.length
    found.push(decoded)
  }
  isCut =
    runsIn(text, longRuns, (decoded) => {
      keep(decoded)
      const { start, end } = decoded
      isCut =
        runsIn(decoded.text, longRunsIn(decoded.text), ({ text: inner, encoding }) =>
          keep({ start, end, text: inner, encoding }),
        ) || isCut
    }) || isCut
  return { found, isCut }
}

const NOTHING = { found: [], isCut: false } as const

/** @returns whether a run was too long to be tried */
function runsIn(text: string, longRuns: readonly Span[], onDecoded: (decoded: DecodedText) => void): boolean {
  let isCut = false
  const attempt = (
    encoding: DecodedText['encoding'],
    start: number,
    run: string,
    decode: (run: string) => string | null,
  ) => {
    if (run.length > RUN_UNITS_MAX) {
      isCut = true
      return
    }
    step(1 + (run.length >> 8))
    const decoded = decode(run)
    if (decoded !== null) onDecoded({ start, end: start + run.length, text: decoded, encoding })
  }
  const attemptAll = (
    encoding: DecodedText['encoding'],
    from: number,
    text: string,
    decode: (run: string) => string | null,
  ) => {
    for (const match of text.matchAll(ENCODED_RUNS[encoding])) attempt(encoding, from + match.index, match[0], decode)
  }
  for (const { start, end } of longRuns) {
    const padding = text[end] !== '=' ? 0 : text[end + 1] !== '=' ? 1 : 2
    attempt('base64', start, text.slice(start, end + padding), fromBase64)
  }
  // Digits of hex are also those of base64, so what holds enough of them is among the long runs.
  if (text.includes('\\x')) attemptAll('hex', 0, text, fromHex)
  else {
    for (const { start, end } of longRuns)
      if (end - start >= HEX_UNITS_MIN) attemptAll('hex', start, text.slice(start, end), fromHex)
  }
  if (text.includes('%')) attemptAll('url', 0, text, fromPercent)
  return isCut
}

const RUN_UNITS_MIN = 16
const HEX_UNITS_MIN = 24

/**
 * The matches of `ENCODED_RUNS.base64` without their padding. Looks at every sixteenth character and back to the last that
 * breaks a run: prose is gone through in great steps.
 */
export function longRunsIn(text: string): readonly Span[] {
  let runs: Span[] | null = null
  let broken = -1
  for (let probe = RUN_UNITS_MIN - 1; probe < text.length; probe = broken + RUN_UNITS_MIN) {
    let at = probe
    while (at > broken && (SEXTETS[text.charCodeAt(at)] ?? -1) >= 0) at -= 1
    if (at > broken) {
      broken = at
      continue
    }
    let end = probe + 1
    while (end < text.length && (SEXTETS[text.charCodeAt(end)] ?? -1) >= 0) end += 1
    runs ??= []
    runs.push({ start: broken + 1, end })
    broken = end
  }
  return runs ?? NO_RUNS
}

const NO_RUNS: readonly Span[] = []

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const UNPRINTABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufff0-\uffff\p{Co}\p{Cn}]/u

function printable(bytes: Uint8Array): string | null {
  try {
    const text = UTF8.decode(bytes)
    return UNPRINTABLE.test(text) ? null : text
  } catch {
    return null // not UTF-8, so not text
  }
}

const SEXTETS = new Int8Array(128).fill(-1)
for (const [i, char] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  SEXTETS[char.charCodeAt(0)] = i
}
SEXTETS['-'.charCodeAt(0)] = 62
SEXTETS['_'.charCodeAt(0)] = 63

function fromBase64(run: string): string | null {
  const padding = run.indexOf('=')
  const length = padding === -1 ? run.length : padding
  if (length % 4 === 1) return null
  const bytes = new Uint8Array((length * 3) >> 2)
  let bits = 0
  let count = 0
  let at = 0
  for (let i = 0; i < length; i++) {
    bits = (bits << 6) | (SEXTETS[run.charCodeAt(i)] ?? 0)
    count += 6
    if (count < 8) continue
    count -= 8
    const byte = (bits >> count) & 0xff
    // Most words and identifiers fail here after a byte or two.
    if (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) return null
    bytes[at++] = byte
    bits &= 0xff
  }
  return printable(bytes.subarray(0, at))
}

function fromHex(run: string): string | null {
  const digits = run.startsWith('\\') ? run.replaceAll('\\x', '') : run
  const bytes = new Uint8Array(digits.length >> 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return printable(bytes)
}

const TRIPLETS = /%[0-9A-Fa-f]{2}/g

function fromPercent(run: string): string | null {
  if ((run.match(TRIPLETS) ?? []).length < 2) return null
  try {
    const text = decodeURIComponent(run)
    return isPlainAscii(text) || !UNPRINTABLE.test(text) ? text : null
  } catch {
    return null // not UTF-8, so not text
  }
}
