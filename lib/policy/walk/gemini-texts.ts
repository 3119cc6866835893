import { fieldsOf, listOf } from './walked'

type Fields = Readonly<Record<string, unknown>>

/**
 * An answer of Google's with texts that follow one another made one, as its clients do: what is objected to could lie across
 * two of them.
 *
 * @returns the same answer when there is nothing to join
 */
export function withJoinedTexts<T extends Fields>(answer: T): T {
  let isChanged = false
  const candidates = listOf(answer.candidates).map((candidate) => {
    const fields = fieldsOf(candidate)
    const content = fieldsOf(fields.content)
    const parts = listOf(content.parts)
    const joined = joinedParts(parts)
    if (joined.length === parts.length) return candidate
    isChanged = true
    return { ...fields, content: { ...content, parts: joined } }
  })
  return isChanged ? { ...answer, candidates } : answer
}

function joinedParts(parts: readonly unknown[]): unknown[] {
  const joined: unknown[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (isText(part) && isText(last) && (part.thought === true) === (last.thought === true)) {
      joined[joined.length - 1] = { ...last, ...part, text: last.text + part.text }
    } else joined.push(part)
  }
  return joined
}

const isText = (part: unknown): part is Fields & { text: string } => {
  const fields = fieldsOf(part)
  return typeof fields.text === 'string' && Object.keys(fields).every((key) => OF_TEXT.has(key))
}

const OF_TEXT = new Set(['text', 'thought', 'thoughtSignature'])
