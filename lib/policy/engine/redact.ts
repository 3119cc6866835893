import { isCoded, withCodedText } from './coded-text'
import { type EditTree, spliceJson } from './json-splice'
import type { Redaction, Span } from './policy'
import type { JsonPath } from './subject'

/**
 * Redactions of one part or of many, so that none overlaps another: those that do become one that covers both, with the
 * replacement of the widest (of the first, when they are equally wide). What a cut would leave of a surrogate pair goes
 * too. Insertions (of no width) stay, in their order; one that falls inside a redaction moves behind it.
 *
 * @returns sorted by part and place
 */
export function mergeRedactions(redactions: readonly Redaction[], textOf: (part: number) => string): Redaction[] {
  const order = redactions.map((redaction, index) => ({ redaction: wholeCharacters(redaction, textOf), index }))
  order.sort(({ redaction: a, index: i }, { redaction: b, index: j }) => a.part - b.part || a.start - b.start || i - j)
  const merged: { value: Redaction; width: number; order: number }[] = []
  const inserted: Redaction[] = []
  for (const { redaction, index } of order) {
    if (redaction.start === redaction.end) {
      inserted.push(redaction)
      continue
    }
    const last = merged.at(-1)
    const width = redaction.end - redaction.start
    if (last === undefined || last.value.part !== redaction.part || redaction.start >= last.value.end) {
      merged.push({ value: redaction, width, order: index })
      continue
    }
    const wins = width > last.width || (width === last.width && index < last.order)
    last.value = {
      ...last.value,
      end: Math.max(last.value.end, redaction.end),
      replacement: wins ? redaction.replacement : last.value.replacement,
    }
    if (wins) Object.assign(last, { width, order: index })
  }
  const spans = merged.map(({ value }) => value)
  return inserted.length === 0 ? spans : withInsertions(spans, inserted)
}

/** Both lists are sorted; at one place an insertion stands before what begins there and after what ends there. */
function withInsertions(spans: readonly Redaction[], inserted: readonly Redaction[]): Redaction[] {
  const all: Redaction[] = []
  let next = 0
  for (const insertion of inserted) {
    while (next < spans.length && isBefore(spans[next], insertion)) {
      const span = spans[next++]
      if (span !== undefined) all.push(span)
    }
    const last = all.at(-1)
    const isInside = last !== undefined && last.part === insertion.part && last.end > insertion.start
    all.push(isInside ? { ...insertion, start: last.end, end: last.end } : insertion)
  }
  return [...all, ...spans.slice(next)]
}

const isBefore = (span: Redaction | undefined, at: Redaction) =>
  span !== undefined && (span.part < at.part || (span.part === at.part && span.start < at.start))

function wholeCharacters(redaction: Redaction, textOf: (part: number) => string): Redaction {
  const { part, start, end } = redaction
  const text = textOf(part)
  if (start === end) return cutsPair(text, start) ? { ...redaction, start: end + 1, end: end + 1 } : redaction
  const from = cutsPair(text, start) ? start - 1 : start
  const to = cutsPair(text, end) ? end + 1 : end
  return from === start && to === end ? redaction : { ...redaction, start: from, end: to }
}

const cutsPair = (text: string, at: number) =>
  (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800

/** `redactions` are of one part, merged and sorted. */
export function redactText(text: string, redactions: readonly Redaction[]): string {
  let out = ''
  let at = 0
  for (const { start, end, replacement } of redactions) {
    out += text.slice(at, start) + replacement
    at = end
  }
  return out + text.slice(at)
}

/**
 * Where a span of a redacted text lay before. What touches a replacement covers all that was replaced.
 *
 * @param redactions merged and sorted
 */
export function originalSpan({ part, start, end }: Span & { part: number }, redactions: readonly Redaction[]): Span {
  let shift = 0
  const original = { start, end }
  for (const redaction of redactions) {
    if (redaction.part !== part) continue
    const from = redaction.start + shift
    const to = from + redaction.replacement.length
    if (from >= end) break
    shift += redaction.replacement.length - (redaction.end - redaction.start)
    original.start = start >= to ? start - shift : start > from ? redaction.start : original.start
    original.end = end >= to ? end - shift : redaction.end
  }
  return original
}

/** A new text for a place in a JSON document. */
export type TextEdit = { path: JsonPath; text: string }

/**
 * The document with new texts. What did not change is shared with the original, which stays as it was. A path that goes on
 * inside a string goes into the JSON that the string holds; there only the tokens of the leaves are replaced, so that
 * numbers and white space beside them stay as they were written. A path that ends in a step of `coded-text.ts` puts the text
 * into the form that the string has. Each text is gone through once, whatever is edited in it.
 *
 * @throws RangeError when a path leads nowhere
 */
export function writeTexts(document: unknown, edits: readonly TextEdit[]): unknown {
  if (edits.length === 0) return document
  const root: EditTree = { text: null, children: new Map(), path: [] }
  for (const { path, text } of edits) {
    let node = root
    for (const [depth, key] of path.entries()) {
      let child = node.children.get(key)
      if (child === undefined) {
        child = { text: null, children: new Map(), path: path.slice(0, depth + 1) }
        node.children.set(key, child)
      }
      node = child
    }
    node.text = text
  }
  return write(document, root)
}

function write(value: unknown, edit: EditTree): unknown {
  if (edit.text !== null) return edit.text
  if (typeof value === 'string') return writeInside(value, edit)
  if (Array.isArray(value)) {
    const copy: unknown[] = [...value]
    for (const [key, child] of edit.children) {
      if (typeof key !== 'number' || !Number.isInteger(key) || key < 0 || key >= copy.length) throw nowhere(child)
      copy[key] = write(copy[key], child)
    }
    return copy
  }
  if (typeof value !== 'object' || value === null) throw nowhere(edit)
  const copy: Record<string, unknown> = { ...value }
  for (const [key, child] of edit.children) {
    if (!Object.hasOwn(copy, key)) throw nowhere(child)
    // Defined, not assigned: a key may be called __proto__.
    Object.defineProperty(copy, key, { ...Object.getOwnPropertyDescriptor(copy, key), value: write(copy[key], child) })
  }
  return copy
}

function writeInside(value: string, edit: EditTree): string {
  for (const [key, { text }] of edit.children) {
    if (text !== null && isCoded(key, value)) return withCodedText(key, value, text)
  }
  return spliceJson(value, edit)
}

const nowhere = ({ path }: EditTree) => new RangeError(`There is nothing at ${path.join('.')}.`)
