/** Why an address cannot be a provider's; null when it can. */
export function reasonAgainst(baseUrl: string): string | null {
  // URL drops tabs and line breaks in silence, so they are looked for first.
  if (!/^[\x21-\x7e]+$/.test(baseUrl)) return 'must be printable ASCII without spaces'
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null
  if (!url) return 'must be an absolute URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://'
  if (url.username || url.password) return 'must not contain credentials; use secret_key_ref'
  if (url.search || url.hash) return 'must not contain a query or a fragment'
  return null
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|.*\.localhost)$/
const PRIVATE =
  /^(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|169\.254\.\d+\.\d+|\[f[cde][0-9a-f:]*\])$/

/** Whether what travels there can be read on the way. */
export const isOpen = (url: URL): boolean =>
  url.protocol === 'http:' && !LOOPBACK.test(url.hostname) && !url.hostname.endsWith('.internal')

/** Whether the address by itself shows that it is not on the internet; what a name resolves to is seen only later. */
export const isPrivate = (url: URL): boolean => LOOPBACK.test(url.hostname) || PRIVATE.test(url.hostname)
