import { parseJson } from '@/lib/parse-json'

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
  const root = treeOf(paths)
  return (lines) => {
    const records: Skimmed[] = []
    let record: Skimmed = []
    const skim = new Skim(lines, (slot, start, end) => {
      record[slot] = skim.valueAt(start, end)
    })
    while (skim.at < lines.length) {
      record = new Array(paths.length)
      skim.object(root)
      skim.at += 1 // the line feed
      records.push(record)
    }
    return records
  }
}

/** Where the values of a record stand in the lines, by path: `starts` is -1 for what is not there. */
export type Ranges = { starts: Int32Array; ends: Int32Array; read: (slot: number) => unknown }

/** The same without making the values: calls back for each record, with ranges that hold until then. */
export function rangesOf(
  paths: readonly (readonly string[])[],
): (lines: string, each: (ranges: Ranges) => void) => void {
  const root = treeOf(paths)
  const starts = new Int32Array(paths.length)
  const ends = new Int32Array(paths.length)
  return (lines, each) => {
    const skim = new Skim(lines, (slot, start, end) => {
      starts[slot] = start
      ends[slot] = end
    })
    const read = (slot: number) =>
      starts[slot] === -1 ? undefined : skim.valueAt(starts[slot] as number, ends[slot] as number)
    while (skim.at < lines.length) {
      starts.fill(-1)
      skim.object(root)
      skim.at += 1 // the line feed
      each({ starts, ends, read })
    }
  }
}

function treeOf(paths: readonly (readonly string[])[]): Node {
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
  return root
}

/** More names than records of one kind have are not remembered. */
const MET_MAX = 200

const newNode = (): Node => ({ slot: undefined, inner: new Map(), met: [] })

/** Where reading has come to. Lines were checked when they were stored: what is not JSON here is a mistake of ours. */
class Skim {
  at = 0
  readonly #text: string
  readonly #hasEscapes: boolean
  readonly #found: (slot: number, start: number, end: number) => void

  /** @param found told where each value is that is asked for */
  constructor(text: string, found: (slot: number, start: number, end: number) => void) {
    this.#text = text
    this.#found = found
    this.#hasEscapes = text.includes('\\')
  }

  /** Begins at `{` and ends behind `}`. */
  object(node: Node): void {
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
      else if (child.slot === undefined) this.#inner(child)
      else this.#value(child.slot)
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
    const name = this.#string(start, this.at)
    this.at += 1 // the colon
    const child = node.inner.get(name)
    if (expected === undefined && node.met.length < MET_MAX)
      node.met.push({ quoted: `${JSON.stringify(name)}:`, child })
    return child
  }

  /** What is wanted lies within: of anything but an object, nothing is there. */
  #inner(node: Node): void {
    if (this.#text.charCodeAt(this.at) === OPEN_OBJECT) this.object(node)
    else this.#skip()
  }

  #value(slot: number): void {
    const start = this.at
    this.#skip()
    this.#found(slot, start, this.at)
  }

  /** What stands in a range that was found. */
  valueAt(start: number, end: number): unknown {
    const first = this.#text.charCodeAt(start)
    if (first === QUOTE) return this.#string(start, end)
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) return parseJson(this.#text.slice(start, end))
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

  #string(start: number, end: number): string {
    const text = this.#text.slice(start + 1, end - 1)
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
