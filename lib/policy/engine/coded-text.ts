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
  return new TextDecoder(encodingOf(bytes)).decode(bytes)
}

const MARKED_MAX = 256

/** By its mark, or by the zeros that ASCII has in UTF-16. */
function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  const head = bytes.subarray(0, MARKED_MAX)
  const zeros = [0, 0]
  for (const [at, byte] of head.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  if (odd > head.length / 4) return 'utf-16le'
  return even > head.length / 4 ? 'utf-16be' : 'utf-8'
}

/**
 * The bytes of base64, one per character, as the most patient reader takes it: one that passes over what is none of its
 * letters, and reads on behind padding.
 *
 * @returns null when there is nothing of it
 */
export function bytesOfBase64(content: string): string | null {
  try {
    return atob(content)
  } catch {
    const letters = content
      .replaceAll('-', '+')
      .replaceAll('_', '/')
      .replace(/[^A-Za-z0-9+/=]/g, '')
    const pieces = letters.split(/=+/).map((piece) => atob(piece.length % 4 === 1 ? piece.slice(0, -1) : piece))
    return pieces.join('') || null
  }
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
  const head = comma === -1 ? '' : `${value.slice(0, comma).replace(/;[ \t]*(?:base64|charset=[^;]*)/gi, '')};base64,`
  return head + base64Of(new TextEncoder().encode(text))
}

/** Where the content of a `data:` address begins, less one; -1 for what is none. */
export const headLength = (value: string): number =>
  value.slice(0, 5).toLowerCase() === 'data:' ? value.slice(0, DATA_HEAD_MAX).indexOf(',') : -1

/** Whether what stands before the comma of a `data:` address says that base64 follows. */
export const isBase64Head = (head: string): boolean => /;[ \t]*base64[ \t]*$/i.test(head)

const DATA_HEAD_MAX = 4_096

function bytesOf(coded: string): Uint8Array | null {
  const comma = headLength(coded)
  const content = coded.slice(comma + 1)
  if (comma !== -1 && !isBase64Head(coded.slice(0, comma))) return percentBytes(content)
  const binary = bytesOfBase64(content)
  if (binary === null) return null
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

const percentBytes = (content: string) => new TextEncoder().encode(addressText(content))

/** Characters per call: arguments of a function are bounded. */
const CHUNK = 8_192

function base64Of(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(binary)
}
