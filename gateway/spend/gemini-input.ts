import { camelCase } from '@/lib/google-names'
import { fieldsOf } from '../meter'
import type { Json } from '../providers/adapter'
import { fieldNamed } from '../surfaces/gemini-ask'

/** Pictures, sound and documents of a request to generate content, whose base64 is no text. */
type Media = { kind: 'picture' | 'sound' | 'document'; characters: number }

/** Parts that are looked at; what is beyond counts as text. */
const PARTS_MAX = 20_000

/** What of a request is no text, and whether its provider reads more than is in it. */
export function mediaInContents(body: Json): { media: Media[]; isOpen: boolean } {
  const media: Media[] = []
  let isOpen = fieldNamed(body, 'cachedContent') != null || hasHostedTool(body.tools)
  let parts = 0
  for (const content of Array.isArray(body.contents) ? body.contents : []) {
    const given = fieldsOf(content)?.parts
    for (const part of Array.isArray(given) ? given : []) {
      parts += 1
      if (parts > PARTS_MAX) return { media, isOpen }
      const fields = fieldsOf(part)
      const blob = fieldsOf(fieldNamed(fields, 'inlineData'))
      if (fieldNamed(fields, 'fileData') != null) isOpen = true
      if (blob !== null && typeof blob.data === 'string') {
        media.push({ kind: kindOf(fieldNamed(blob, 'mimeType')), characters: blob.data.length })
      }
    }
  }
  return { media, isOpen }
}

function kindOf(type: unknown): Media['kind'] {
  if (typeof type !== 'string') return 'document'
  return type.startsWith('image/') ? 'picture' : type.startsWith('audio/') ? 'sound' : 'document'
}

/** What a tool of Google's own finds is read by the model in the same call. */
const hasHostedTool = (tools: unknown): boolean =>
  Array.isArray(tools) &&
  tools.some((tool) => Object.keys(fieldsOf(tool) ?? {}).some((key) => camelCase(key) !== 'functionDeclarations'))
