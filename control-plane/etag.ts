import { hash } from 'node:crypto'

/** A strong entity tag (RFC 9110 section 8.8.3) over what an answer says. */
export const etagOf = (covered: unknown): string => `"${hash('sha256', JSON.stringify(covered), 'hex').slice(0, 32)}"`

/** Whether a list of entity tags, as `If-Match` and `If-None-Match` carry it, names this one. */
export function namesEtag(header: string, etag: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(etag)
}
