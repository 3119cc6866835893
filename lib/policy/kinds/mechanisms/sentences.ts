import type { Span } from '@/lib/policy/engine/policy'

/** The sentence or line around a span, without the space before it. */
export function sentenceAround(text: string, { start, end }: Span): Span {
  let from = start
  while (from > 0 && !endsSentence(text, from - 1)) from--
  while (from < start && isSpace(text[from])) from++
  let to = Math.max(end, start + 1)
  while (to < text.length && text[to] !== '\n' && !endsSentence(text, to - 1)) to++
  return { start: from, end: Math.min(to, text.length) }
}

/** How many sentences a text has; a text without any end of sentence is one. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = []
  let start = 0
  for (let index = 0; index < text.length; index++) {
    if (!endsSentence(text, index)) continue
    sentences.push(text.slice(start, index + 1).trim())
    start = index + 1
  }
  sentences.push(text.slice(start).trim())
  return sentences.filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))
}

/** `3.5` and `e.g. this` go on; `?!` ends once. */
function endsSentence(text: string, index: number): boolean {
  const character = text[index] ?? ''
  if (character === '\n' || '。！？'.includes(character)) return true
  if (!'.!?'.includes(character)) return false
  const next = text[index + 1]
  return next === undefined || isSpace(next)
}

const isSpace = (character: string | undefined) => character !== undefined && /\s/.test(character)
