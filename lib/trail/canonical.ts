/**
 * JSON in one form only (RFC 8785): keys in order of UTF-16 code units, no white space, numbers and strings as
 * ECMAScript writes them. `undefined` members are left out as JSON.stringify does.
 *
 * A lone surrogate, which RFC 8785 refuses, is written as its `\udXXX` escape: what an application sent must be
 * recordable, and the escape keeps it apart from every other text.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    members.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
  }
  return JSON.stringify(value)
}
