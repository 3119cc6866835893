import type { Readable, Span } from '@/lib/policy/engine/policy'
import type { JsonPath, Part } from '@/lib/policy/engine/subject'
import { step } from '@/lib/policy/engine/time-limit'
import type { Found } from './found'

/** Characters on either side of a cut that are read as one: room for an address or a number in groups. */
const REACH = 160
/** What is known by its own form. Of the rest, a word in another part says too little. */
const CLASSES: ReadonlySet<string> = new Set(['email', 'credit_card', 'iban', 'ssn', 'national_id'])

type Piece = { part: Part; index: number }

/** One value in several parts: the span in each, the first one first. */
export type Split = { rule: string; value: string; spans: readonly (Span & { part: number })[] }

/**
 * Values that begin in one text of a message and end in a later one, as when somebody cuts an address in two. Providers put
 * the texts of a message together as they stand.
 *
 * @param find what a text holds
 * @param own what was found in each part by itself; what touches that is no other value, unless an address begins before it
 */
export function acrossParts(
  entries: readonly Readable[],
  find: (text: string) => readonly Found[],
  own: ReadonlyMap<number, readonly Span[]>,
): Split[] {
  const found: Split[] = []
  for (const run of runsOf(entries)) {
    for (let cut = 1; cut < run.length; cut++) {
      step(2 + (found.length >> 8))
      const left = beside(run.slice(Math.max(0, cut - REACH), cut).reverse(), 'left')
      const right = beside(run.slice(cut, cut + REACH), 'right', left.text.length)
      const window = left.text + right.text
      for (const { start, end, rule } of find(window)) {
        if (!CLASSES.has(rule) || start >= left.text.length || end <= left.text.length) continue
        const spans = [...left.pieces, ...right.pieces].flatMap(({ index, from, at, length }) => {
          const first = Math.max(start, at)
          const last = Math.min(end, at + length)
          return first < last ? [{ part: index, start: from + first - at, end: from + last - at }] : []
        })
        const isOwn = spans.some((span) =>
          own.get(span.part)?.some((known) => known.start < span.end && known.end > span.start),
        )
        // A value that lies across two cuts is found at the first.
        const isKnown = found.some((known) => known.spans.some((a) => spans.some((b) => isSame(a, b))))
        if ((!isOwn || isBegun(window.slice(start, left.text.length), rule)) && !isKnown)
          found.push({ rule, value: window.slice(start, end), spans })
      }
    }
  }
  return found
}

/** Two words of one name, so that the address in the next text has its beginning here. */
const isBegun = (before: string, rule: string) =>
  rule === 'email' && /[\p{L}\p{N}][._+-][\p{L}\p{N}]/u.test(before) && !before.includes('@')

const isSame = (a: Span & { part: number }, b: Span & { part: number }) =>
  a.part === b.part && a.start < b.end && b.start < a.end

type Beside = { text: string; pieces: { index: number; from: number; at: number; length: number }[] }

/** Up to `REACH` characters on one side of a cut, over as many parts as it takes. `at` is the place in the whole window. */
function beside(run: readonly Piece[], side: 'left' | 'right', offset = 0): Beside {
  const taken: { index: number; from: number; text: string }[] = []
  let room = REACH
  for (const { part, index } of run) {
    if (room <= 0) break
    const from = side === 'left' ? Math.max(0, part.text.length - room) : 0
    const text = side === 'left' ? part.text.slice(from) : part.text.slice(0, room)
    taken.push({ index, from, text })
    room -= text.length
  }
  if (side === 'left') taken.reverse()
  let at = offset
  const pieces = taken.map(({ index, from, text }) => {
    const piece = { index, from, at, length: text.length }
    at += text.length
    return piece
  })
  return { text: taken.map(({ text }) => text).join(''), pieces }
}

/** Texts that follow each other in the content of one message. */
function runsOf(entries: readonly Readable[]): Piece[][] {
  const runs: Piece[][] = []
  let run: Piece[] = []
  for (const entry of entries) {
    if (entry.kind !== 'text' && entry.kind !== 'tool_result') continue
    const { part, index } = entry
    const before = run.at(-1)?.part
    if (before === undefined || !follows(before, part)) {
      if (run.length > 1) runs.push(run)
      run = []
    }
    run.push({ part, index })
  }
  if (run.length > 1) runs.push(run)
  return runs
}

const follows = (a: Part, b: Part) =>
  a.message === b.message && a.role === b.role && a.kind === b.kind && areNeighbours(a.path, b.path)

/** `messages.0.content.1.text` and `messages.0.content.2.text`. */
function areNeighbours(a: JsonPath, b: JsonPath): boolean {
  if (a.length !== b.length) return false
  let steps = 0
  for (const [depth, key] of a.entries()) {
    const other = b[depth]
    if (key === other) continue
    if (typeof key !== 'number' || other !== key + 1) return false
    steps += 1
  }
  return steps === 1
}
