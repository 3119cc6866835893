/** Names as they were sent, and in lower case. A name in here is one string for all: objects find it without comparing. */
const known = new Map<string, string>()
/** More than anybody has who does not invent them. Then all begin anew: nobody can keep the names of others out. */
const NAMES_MAX = 512
const NAME_LENGTH_MAX = 64

/** A name of a header as node's objects have it. */
export function lowerName(name: string): string {
  const lower = known.get(name)
  if (lower !== undefined) return lower
  if (name.length > NAME_LENGTH_MAX) return name.toLowerCase()
  if (known.size >= NAMES_MAX) known.clear()
  // A copy: what was cut out of a head keeps all of it.
  const own = Buffer.from(name, 'latin1').toString('latin1')
  const made = own.toLowerCase()
  known.set(own, made)
  return made
}
