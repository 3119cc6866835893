import type { MediaUnit } from '@/lib/prices/price'
import type { Ask } from '../ask'
import { fieldsOf } from '../meter'
import { generationField } from '../surfaces/gemini-ask'
import { mediaInContents } from './gemini-input'

/** Parts that are looked at; of a request with more it is taken for granted that there is sound among them. */
const PARTS_MAX = 20_000

/**
 * What a chat puts in or asks for that has prices of its own, and that most models neither read nor give: sound, and answers
 * with sound or pictures. Pictures that are put in are none of these: they are usually charged as text.
 */
export function mediaOf({ surface, body }: Pick<Ask, 'surface' | 'body'>): MediaUnit[] {
  if (surface.shape === 'gemini_content') return mediaOfContents(body)
  if (surface.shape !== 'openai_chat' && surface.shape !== 'openai_responses') return NONE
  const units: MediaUnit[] = []
  const modalities = Array.isArray(body.modalities) ? body.modalities : []
  if (modalities.includes('audio') || fieldsOf(body.audio) !== null) units.push('output_audio')
  if (modalities.includes('image')) units.push('output_image')
  const seen = { parts: 0 }
  if (hasSound(body.messages, seen) || hasSound(body.input, seen)) units.push('input_audio')
  return units
}

function mediaOfContents(body: Ask['body']): MediaUnit[] {
  const modalities = generationField(body, 'responseModalities')
  const asked: readonly unknown[] = Array.isArray(modalities) ? modalities : []
  const units: MediaUnit[] = []
  if (asked.includes('AUDIO')) units.push('output_audio')
  if (asked.includes('IMAGE')) units.push('output_image')
  if (mediaInContents(body).media.some(({ kind }) => kind === 'sound')) units.push('input_audio')
  return units
}

const NONE: MediaUnit[] = []

function hasSound(messages: unknown, seen: { parts: number }): boolean {
  if (!Array.isArray(messages)) return false
  return messages.some((message) => {
    const content = fieldsOf(message)?.content
    return Array.isArray(content) && content.some((part) => ++seen.parts > PARTS_MAX || isSound(fieldsOf(part)))
  })
}

function isSound(part: Record<string, unknown> | null): boolean {
  if (part === null) return false
  if (part.type === 'input_audio' || part.type === 'audio_url') return true
  const data = fieldsOf(part.file)?.file_data ?? part.file_data
  return typeof data === 'string' && data.startsWith('data:audio/')
}
