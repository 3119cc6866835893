import type { Redaction, Skipped, View } from '@/lib/policy/engine/policy'
import type { Part } from '@/lib/policy/engine/subject'
import { parseJson } from '../../../parse-json'

type Indexed = { part: Part; index: number }

/** The texts of an answer, without tool calls and their arguments. */
export const answerTexts = (view: View): readonly Indexed[] => view.readable().filter(({ kind }) => kind === 'text')

/** All of an answer as one text; for what can only be judged as a whole. */
export const wholeAnswer = (view: View): string =>
  answerTexts(view)
    .map(({ part }) => part.text)
    .join('\n')

/** Where texts may be added: the last text of each choice of the answer. */
export function lastTexts(view: View): readonly Indexed[] {
  const byMessage = new Map(answerTexts(view).map((text) => [text.part.message, text]))
  return [...byMessage.values()]
}

/** The first text of each choice of the answer. */
export function firstTexts(view: View): readonly Indexed[] {
  const byMessage = new Map(
    answerTexts(view)
      .toReversed()
      .map((text) => [text.part.message, text]),
  )
  return [...byMessage.values()].toReversed()
}

/**
 * Sentences that an answer must carry, added at its end where they are missing.
 *
 * An edit of no width: it composes with what other policies redact in the same text. An answer that is a JSON document is
 * left alone, because it would be none afterwards; that is said in `skipped`.
 */
export function appendMissing(
  view: View,
  sentences: readonly string[],
): { redactions: readonly Redaction[]; skipped: readonly Skipped[] } {
  const redactions: Redaction[] = []
  const skipped: Skipped[] = []
  for (const { part, index } of lastTexts(view)) {
    const choice = folded(
      answerTexts(view)
        .filter((text) => text.part.message === part.message)
        .map((text) => text.part.text)
        .join('\n'),
    )
    const missing = sentences.filter((sentence) => !choice.includes(folded(sentence)))
    if (missing.length === 0) continue
    if (isJsonDocument(part.text)) {
      skipped.push({ what: `choice ${part.message}`, why: 'a JSON answer cannot carry a disclaimer' })
      continue
    }
    const end = part.text.length
    redactions.push({ part: index, start: end, end, replacement: `\n\n${missing.join('\n')}` })
  }
  return { redactions, skipped }
}

/** An object or a list; a bare string or number is prose for this purpose. */
export function isJsonDocument(text: string): boolean {
  const trimmed = text.trim()
  if (!/^[[{]/.test(trimmed)) return false
  try {
    parseJson(trimmed)
    return true
  } catch {
    return false
  }
}

/** Letters and digits only, so that reflowed or re-emphasised text counts as the same. */
const folded = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
