import { CHAT_COMPLETIONS } from './chat-completions'
import { geminiContent } from './gemini'
import { geminiAddress, queryOf } from './gemini-address'
import { geminiEmbeddings } from './gemini-embeddings'
import { JsonArray } from './json-array'
import { MESSAGES } from './messages'
import { RESPONSES } from './responses'
import type { Surface } from './surface'
import { EMBEDDINGS, SPEECH, TRANSCRIPTIONS } from './without-chat'

/** Those with one path each. */
export const SURFACES: readonly Surface[] = [CHAT_COMPLETIONS, MESSAGES, RESPONSES, EMBEDDINGS, TRANSCRIPTIONS, SPEECH]

const BY_PATH: ReadonlyMap<string, Surface> = new Map(SURFACES.map((surface) => [surface.path, surface]))

/** Who takes requests to a path, if anybody. @param url the same with what stands behind it */
export const surfaceAt = (path: string, url: string): Surface | null => BY_PATH.get(path) ?? geminiAt(path, url)

function geminiAt(path: string, url: string): Surface | null {
  const address = geminiAddress(path)
  if (address === null) return null
  const embeds = address.action === 'embedContent' || address.action === 'batchEmbedContents'
  if (embeds) return geminiEmbeddings(address)
  const content = geminiContent(address)
  return address.stream && queryOf(url).get('alt') !== 'sse' ? { ...content, framing: () => new JsonArray() } : content
}
