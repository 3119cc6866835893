/** A run of text as it is, or bytes and characters that cannot be seen, written out. */
export type VisiblePart = { text: string; isEscape: boolean }

/**
 * Bytes as text that hides nothing: what is not UTF-8 shows as `\xHH`, and control, zero-width, bidirectional and
 * private characters as `\u{H}`. Line feed and tab stay.
 */
export function visibleText(bytes: Uint8Array): VisiblePart[] {
  const parts: VisiblePart[] = []
  const add = (text: string, isEscape: boolean) => {
    const last = parts.at(-1)
    if (last?.isEscape === isEscape) last.text += text
    else if (text !== '') parts.push({ text, isEscape })
  }
  for (const { text, bad } of decoded(bytes)) {
    for (const piece of text.split(HIDDEN)) {
      if (piece === '') continue
      if (HIDDEN_ONE.test(piece)) add(`\\u{${piece.codePointAt(0)?.toString(16).toUpperCase() ?? ''}}`, true)
      else add(piece, false)
    }
    if (bad !== null) add(`\\x${bad.toString(16).toUpperCase().padStart(2, '0')}`, true)
  }
  return parts
}

/** Cc without line feed and tab, Cf (zero width, bidirectional), Co, Zl and Zp. */
const HIDDEN = /((?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}])/u
const HIDDEN_ONE = /^(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]$/u

/** Stretches of valid UTF-8 (RFC 3629), each followed by the byte that ended it. */
function* decoded(bytes: Uint8Array): Generator<{ text: string; bad: number | null }> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let start = 0
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    yield { text: decoder.decode(bytes.subarray(start, at)), bad: bytes[at] ?? 0 }
    at += 1
    start = at
  }
  yield { text: decoder.decode(bytes.subarray(start)), bad: null }
}

/** How many bytes the character at `at` has; 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length =
    first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0
  for (let offset = 1; offset < length; offset++) {
    const byte = bytes[at + offset] ?? 0
    if ((byte & 0xc0) !== 0x80) return 0
  }
  const second = bytes[at + 1] ?? 0
  const isOverlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90)
  const isOutside = (first === 0xed && second > 0x9f) || (first === 0xf4 && second > 0x8f)
  return isOverlong || isOutside ? 0 : length
}
