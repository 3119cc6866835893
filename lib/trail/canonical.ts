/**
 * JSON in one form only (RFC 8785): keys in order of UTF-16 code units, no white space, numbers and strings as
 * ECMAScript writes them. `undefined` members are left out as JSON.stringify does.
 *
 * A lone surrogate, which RFC 8785 refuses, is written as its `\udXXX` escape: what an application sent must be
 * recordable, and the escape keeps it apart from every other text.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonicalJson(item ?? null)}`
    return `[${text}]`
  }
  const members = value as Record<string, unknown>
  for (const key of Object.keys(members).sort()) {
    const member = members[key]
    if (member !== undefined) text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalJson(member)}`
  }
  return `{${text}}`
}

/** Nearly every key is a plain word, which needs no escapes: recording events spends its time here. */
const quoted = (key: string) => (/^\w*$/.test(key) ? `"${key}"` : JSON.stringify(key))
