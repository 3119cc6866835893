/** The values at some places of a record, in the order of the paths; undefined for what is not there. */
export type Skimmed = unknown[]

type Node = {
  slot: number | undefined
  inner: Map<string, Node>
  /** The names that were met so far, in their order: the next record most likely has the same. */
  met: { quoted: string; child: Node | undefined }[]
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COMMA = 0x2c

/**
 * Reads records in canonical JSON (RFC 8785: no white space), one per line, and makes values of only what is asked for:
 * half the work of making all of them and throwing most away. What it reads is what `JSON.parse` would.
 *
 * @param paths places, such as `['tokens', 'input']`; none may lead through another
 */
export function skimmerOf(paths: readonly (readonly string[])[]): (lines: string) => Skimmed[] {
  const root = newNode()
  for (const [slot, path] of paths.entries()) {
    let node = root
    for (const name of path) {
      const next = node.inner.get(name) ?? newNode()
      node.inner.set(name, next)
      node = next
    }
    if (node.slot !== undefined || node.inner.size > 0) throw new Error(`Two columns read ${path.join('.')}.`)
    node.slot = slot
  }
  return (lines) => {
    const skim = new Skim(lines)
    const records: Skimmed[] = []
    while (skim.at < lines.length) {
      const record: Skimmed = new Array(paths.length)
      skim.object(root, record)
      skim.at += 1 // the line feed
      records.push(record)
    }
    return records
  }
}

/** More names than records of one kind have are not remembered. */
const MET_MAX = 200

const newNode = (): Node => ({ slot: undefined, inner: new Map(), met: [] })

/** Where reading has come to. Lines were checked when they were stored: what is not JSON here is a mistake of ours. */
class Skim {
  at = 0
  readonly #text: string
  readonly #hasEscapes: boolean

  constructor(text: string) {
    this.#text = text
    this.#hasEscapes = text.includes('\\')
  }

  /** Begins at `{` and ends behind `}`. */
  object(node: Node, record: Skimmed): void {
    const text = this.#text
    if (text.charCodeAt(this.at) !== OPEN_OBJECT) throw this.#unexpected()
    this.at += 1
    if (text.charCodeAt(this.at) === CLOSE_OBJECT) {
      this.at += 1
      return
    }
    for (let index = 0; ; index++) {
      const child = this.#name(node, index)
      if (child === undefined) this.#skip()
      else if (child.slot === undefined) this.#inner(child, record)
      else record[child.slot] = this.#value()
      const next = text.charCodeAt(this.at)
      this.at += 1
      if (next === CLOSE_OBJECT) return
      if (next !== COMMA) throw this.#unexpected()
    }
  }

  /** Reads a name and its colon. @returns what is wanted of it */
  #name(node: Node, index: number): Node | undefined {
    const expected = node.met[index]
    if (expected !== undefined && this.#text.startsWith(expected.quoted, this.at)) {
      this.at += expected.quoted.length
      return expected.child
    }
    const start = this.at
    this.#skipString()
    const name = this.#string(start)
    this.at += 1 // the colon
    const child = node.inner.get(name)
    if (expected === undefined && node.met.length < MET_MAX)
      node.met.push({ quoted: `${JSON.stringify(name)}:`, child })
    return child
  }

  /** What is wanted lies within: of anything but an object, nothing is there. */
  #inner(node: Node, record: Skimmed): void {
    if (this.#text.charCodeAt(this.at) === OPEN_OBJECT) this.object(node, record)
    else this.#skip()
  }

  #value(): unknown {
    const start = this.at
    const first = this.#text.charCodeAt(start)
    this.#skip()
    if (first === QUOTE) return this.#string(start)
    const end = this.at
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) return JSON.parse(this.#text.slice(start, end))
    switch (first) {
      case 0x6e: // null
        return null
      case 0x74: // true
        return true
      case 0x66: // false
        return false
      default:
        return Number(this.#text.slice(start, end))
    }
  }

  /** The string that begins here, whose end is known to be at `at`. */
  #string(start: number): string {
    const text = this.#text.slice(start + 1, this.at - 1)
    return this.#hasEscapes && text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
  }

  #skip(): void {
    const first = this.#text.charCodeAt(this.at)
    if (first === QUOTE) this.#skipString()
    else if (first === OPEN_OBJECT || first === OPEN_ARRAY) this.#skipNested()
    else this.#skipLiteral()
  }

  #skipLiteral(): void {
    for (let at = this.at; at < this.#text.length; at++) {
      const letter = this.#text.charCodeAt(at)
      if (letter !== COMMA && letter !== CLOSE_OBJECT && letter !== CLOSE_ARRAY) continue
      this.at = at
      return
    }
    throw this.#unexpected()
  }

  #skipNested(): void {
    let depth = 0
    for (;;) {
      const letter = this.#text.charCodeAt(this.at)
      if (letter === QUOTE) {
        this.#skipString()
        continue
      }
      if (Number.isNaN(letter)) throw this.#unexpected()
      this.at += 1
      if (letter === OPEN_OBJECT || letter === OPEN_ARRAY) depth += 1
      else if (letter === CLOSE_OBJECT || letter === CLOSE_ARRAY) depth -= 1
      if (depth === 0) return
    }
  }

  #skipString(): void {
    for (let end = this.at; ; ) {
      end = this.#text.indexOf('"', end + 1)
      if (end === -1) throw this.#unexpected()
      if (this.#hasEscapes && this.#isEscaped(end)) continue
      this.at = end + 1
      return
    }
  }

  #isEscaped(at: number): boolean {
    let before = at - 1
    while (this.#text.charCodeAt(before) === BACKSLASH) before -= 1
    return (at - before) % 2 === 0
  }

  #unexpected(): Error {
    return new Error(`A stored line is no canonical JSON at character ${this.at}.`)
  }
}
