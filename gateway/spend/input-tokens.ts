import type { Ask } from '../ask'
import { fieldsOf } from '../meter'
import { mediaInContents } from './gemini-input'

/** Bytes of text and JSON that make a token of today's vocabularies, on the low side so that counts are high. */
const BYTES_PER_TOKEN = 3
/** Of base64: sound of 16 kbit a second has ten tokens, and 2,700 characters, for each second. */
const CHARACTERS_PER_SOUND_TOKEN = 250
/** Of base64: a page of a document has some thousand tokens and tens of kilobytes. */
const CHARACTERS_PER_FILE_TOKEN = 16
/** Parts that are looked at; what is beyond counts as text. */
const PARTS_MAX = 20_000

/** The same as tokens alone, of what has no pictures. */
export const inputTokensOf = (ask: Asked): number => inputOf(ask).tokens

/**
 * What a request puts in, told before anybody has counted it. Text is taken by its length; pictures, sound and documents that
 * travel within the request are not text, however long they are. Pictures are not among the tokens: how many they are, their
 * model decides. `isOpen` when its provider reads what is not in the request, as long as the model reads.
 */
export function inputOf({ bytes, body, surface }: Asked): { tokens: number; pictures: number; isOpen: boolean } {
  const listed = surface.shape === 'openai_embeddings' ? tokensListed(body.input) : null
  if (listed !== null) return { tokens: listed, pictures: 0, isOpen: false }
  const seen = { characters: 0, tokens: 0, pictures: 0, parts: 0, isOpen: false }
  if (surface.shape === 'gemini_content') lookAtContents(body, seen)
  look(body.messages, seen)
  look(body.input, seen)
  const text = Math.max(0, bytes.length - seen.characters)
  const isOpen = seen.isOpen || OPEN_FIELDS.some((name) => body[name] != null) || hasHostedTool(body.tools)
  return { tokens: Math.ceil(text / BYTES_PER_TOKEN) + seen.tokens, pictures: seen.pictures, isOpen }
}

type Asked = Pick<Ask, 'bytes' | 'body' | 'surface'>

/** What a provider keeps, or goes and looks up. */
export const OPEN_FIELDS = [
  'previous_response_id',
  'conversation',
  'prompt',
  'web_search_options',
  'search_parameters',
  'plugins',
  'container',
  'mcp_servers',
] as const

/** Tools that whoever asks runs, as OpenAI and Anthropic name them: what they find comes with the next request. */
const OWN_TOOL = /^(?:function|custom|namespace|local_shell|apply_patch|computer|bash_|text_editor_|memory_)/

const hasHostedTool = (tools: unknown): boolean =>
  Array.isArray(tools) &&
  tools.some((tool) => {
    const type = fieldsOf(tool)?.type
    return typeof type === 'string' && !OWN_TOOL.test(type)
  })

/** Embeddings may be asked for by the numbers of tokens: these need no guess. */
function tokensListed(input: unknown): number | null {
  if (!Array.isArray(input)) return null
  let tokens = 0
  for (const one of isNumbers(input) ? [input] : input) {
    if (!Array.isArray(one) || !isNumbers(one)) return null
    tokens += one.length
  }
  return tokens
}

const isNumbers = (values: readonly unknown[]): boolean => values.every((value) => typeof value === 'number')

type Seen = { characters: number; tokens: number; pictures: number; parts: number; isOpen: boolean }

function lookAtContents(body: Ask['body'], seen: Seen): void {
  const { media, isOpen } = mediaInContents(body)
  seen.isOpen = isOpen
  for (const { kind, characters } of media) {
    seen.characters += characters
    if (kind === 'picture') seen.pictures += 1
    else
      seen.tokens += Math.ceil(characters / (kind === 'sound' ? CHARACTERS_PER_SOUND_TOKEN : CHARACTERS_PER_FILE_TOKEN))
  }
}

/** Messages, or items of a response: what they hold stands in `content` or, of tools, in `output`. */
function look(messages: unknown, seen: Seen): void {
  if (!Array.isArray(messages)) return
  for (const message of messages) {
    const fields = fieldsOf(message)
    if (fields === null) continue
    if (fields.type === 'item_reference') seen.isOpen = true
    lookAtParts(fields.content, seen, 0)
    lookAtParts(fields.output, seen, 0)
    const shown = fieldsOf(fields.output) // what a computer shows stands alone
    if (shown !== null) lookAt(shown, seen, 0)
  }
}

function lookAtParts(parts: unknown, seen: Seen, depth: number): void {
  if (!Array.isArray(parts) || depth > 2) return
  for (const part of parts) {
    seen.parts += 1
    if (seen.parts > PARTS_MAX) return
    const fields = fieldsOf(part)
    if (fields === null) continue
    if (fields.type === 'tool_result') lookAtParts(fields.content, seen, depth + 1)
    else lookAt(fields, seen, depth)
  }
}

function lookAt(part: Record<string, unknown>, seen: Seen, depth: number): void {
  switch (part.type) {
    case 'image_url': // OpenAI's chat
    case 'input_image': // and its responses
    case 'computer_screenshot':
      seen.pictures += 1
      seen.characters += lengthOf(fieldsOf(part.image_url)?.url ?? part.image_url)
      return
    case 'image': // Anthropic
      seen.pictures += 1
      seen.characters += lengthOf(fieldsOf(part.source)?.data)
      return
    case 'input_audio': {
      const length = lengthOf(fieldsOf(part.input_audio)?.data)
      seen.tokens += Math.ceil(length / CHARACTERS_PER_SOUND_TOKEN)
      seen.characters += length
      return
    }
    case 'container_upload':
    case 'video_url':
      seen.isOpen = true
      return
    case 'file':
    case 'input_file':
    case 'document': {
      const source = fieldsOf(part.source)
      // A document of Anthropic's may be plain text.
      if (source?.type === 'text') return
      if (source?.type === 'content') {
        lookAtParts(source.content, seen, depth + 1)
        return
      }
      const file = fieldsOf(part.file)
      const length = lengthOf(file?.file_data ?? part.file_data ?? source?.data)
      const isElsewhere = ELSEWHERE.has(source?.type) || (file?.file_id ?? part.file_id ?? part.file_url) != null
      if (isElsewhere) seen.isOpen = true
      seen.tokens += Math.ceil(length / CHARACTERS_PER_FILE_TOKEN)
      seen.characters += length
    }
  }
}

/** Of Anthropic's documents. */
const ELSEWHERE: ReadonlySet<unknown> = new Set(['file', 'url'])

const lengthOf = (value: unknown): number => (typeof value === 'string' ? value.length : 0)
