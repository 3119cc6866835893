const HEADER_LENGTH_MAX = 200

export type DataUri = { mediaType: string; base64: string }

/** @returns null when it is no `data:` address, or not one in base64 */
export function readDataUri(address: string): DataUri | null {
  if (address.slice(0, 5).toLowerCase() !== 'data:') return null
  const comma = address.slice(0, HEADER_LENGTH_MAX).indexOf(',')
  if (comma === -1) return null
  const [mediaType = '', ...parameters] = address.slice(5, comma).split(';')
  if (parameters.at(-1)?.trim().toLowerCase() !== 'base64') return null
  return { mediaType: mediaType.trim().toLowerCase() || 'text/plain', base64: address.slice(comma + 1) }
}

export const isWebAddress = (address: string) => /^https?:\/\//i.test(address)
