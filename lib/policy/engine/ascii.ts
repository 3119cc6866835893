/** Text that normalisation only has to put into lower case: printable ASCII, tab and line ends. */
export const isPlainAscii = (text: string): boolean => PLAIN.test(text)

/** Bytes of a text as it travels. A lone surrogate counts as the three bytes of U+FFFD. */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    bytes += unit < 0x800 ? 1 : 2
    // A pair is four bytes: both units are counted already and two are missing.
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++
  }
  return bytes
}

const PLAIN = /^[\t\n\r\x20-\x7e]*$/
