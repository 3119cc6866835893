const ENCODER = new TextEncoder()
/** Texts up to here share one buffer: what is read from it must be read before the next text comes. */
const SHARED_UNITS = 65_536
/** No unit takes more than three bytes. */
const SHARED = new Uint8Array(3 * SHARED_UNITS + 8)
const SHARED_WORDS = new Int32Array(SHARED.buffer)

/**
 * A text as bytes, followed by two zeros and six bytes that mean nothing; null when it is not ASCII. Loops over bytes cost a fraction of loops
 * over a string. The bytes hold until the next call.
 */
export function asciiBytes(text: string): Uint8Array | null {
  const { length } = text
  if (!isAsciiHereAndThere(text)) return null
  const bytes = length <= SHARED_UNITS ? SHARED : new Uint8Array((length + 11) & ~3)
  const { read, written } = ENCODER.encodeInto(text, bytes)
  // Of other text some unit takes more than one byte, or there is no room for all.
  if (read !== length || written !== length) return null
  bytes[length] = 0
  bytes[length + 1] = 0
  return bytes
}

/** Text of most other scripts is told without a look at all of it. */
function isAsciiHereAndThere(text: string): boolean {
  const stride = (text.length >> 3) + 1
  for (let at = 0; at < text.length; at += stride) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

/** Bytes of a text as it travels. A lone surrogate counts as the three bytes of U+FFFD. */
export function utf8Length(text: string): number {
  let bytes = 0
  for (let from = 0; from < text.length; ) {
    const { read, written } = ENCODER.encodeInto(from === 0 ? text : text.slice(from), SHARED)
    bytes += written
    from += read
  }
  return bytes
}

/** The same memory, four bytes at a time; their order is that of the machine. */
export const asciiWords = (bytes: Uint8Array): Int32Array =>
  bytes === SHARED ? SHARED_WORDS : new Int32Array(bytes.buffer)
