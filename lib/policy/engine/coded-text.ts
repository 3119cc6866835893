/**
 * Steps of a path that go into a string which holds its text in another form. They stand at the end of a path, and no field
 * of a provider is called so.
 */
export const FILE_TEXT = '\u0000file'
export const ADDRESS_TEXT = '\u0000address'

/** Base64 or a `data:` address, bytes of UTF-8 or UTF-16 with its mark. @returns null when it is no text */
export function fileText(coded: string): string | null {
  const bytes = bytesOf(coded)
  if (bytes === null) return null
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  const label = isUtf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8'
  return new TextDecoder(label).decode(bytes)
}

/** What an address says to whoever reads it. */
export function addressText(address: string): string {
  if (!address.includes('%')) return address
  // Piece by piece: one broken escape must not hide the others.
  return address.replace(ESCAPES, (escapes) => {
    const bytes = Uint8Array.from(escapes.slice(1).split('%'), (hex) => Number.parseInt(hex, 16))
    return new TextDecoder().decode(bytes)
  })
}

const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g

/** Whether what stands under this key is a text in another form. A JSON text is never one. */
export const isCoded = (key: string | number, value: string): boolean =>
  (key === FILE_TEXT || key === ADDRESS_TEXT) && !/^\s*[[{]/.test(value)

/** Another text in the form that the string has now. */
export function withCodedText(key: string | number, value: string, text: string): string {
  if (key === ADDRESS_TEXT) return encodeURI(text.isWellFormed() ? text : text.toWellFormed())
  const comma = headLength(value)
  const head = comma === -1 ? '' : `${value.slice(0, comma).replace(/;(?:base64|charset=[^;]*)/gi, '')};base64,`
  return head + base64Of(new TextEncoder().encode(text))
}

/** Where the content of a `data:` address begins, less one; -1 for what is none. */
export const headLength = (value: string): number =>
  value.slice(0, 5).toLowerCase() === 'data:' ? value.slice(0, DATA_HEAD_MAX).indexOf(',') : -1

const DATA_HEAD_MAX = 400

function bytesOf(coded: string): Uint8Array | null {
  const comma = headLength(coded)
  const content = coded.slice(comma + 1)
  if (comma !== -1 && !/;base64$/i.test(coded.slice(0, comma).trimEnd())) return percentBytes(content)
  try {
    const binary = atob(content.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = new Uint8Array(binary.length)
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
    return bytes
  } catch {
    return null // no base64: whoever called says that it was not read
  }
}

const percentBytes = (content: string) => new TextEncoder().encode(addressText(content))

/** Characters per call: arguments of a function are bounded. */
const CHUNK = 8_192

function base64Of(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(binary)
}
