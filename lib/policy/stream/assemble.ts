import { parseJson } from '../../parse-json'
import { type FrameReading, fieldsOf, type JsonObject } from './frame-reading'
import { type Lane, ToolLane } from './lane'
import { LaneBook } from './lane-book'
import { readChatFrame, withoutAnswerSoFar } from './read-chat'
import { readGeminiFrame } from './read-gemini'
import { readMessagesFrame } from './read-messages'
import { readResponsesFrame } from './read-responses'
import { readFrame, SseDecoder } from './sse'

/** A text of an answer that came in pieces, where it would stand in the same answer as a whole. */
export type AssembledPart = { place: string; tool?: string; text: string }

const READERS: Readonly<Record<string, (json: JsonObject, book: LaneBook) => FrameReading>> = {
  openai_chat: (json, book) => readChatFrame(withoutAnswerSoFar(json), book),
  openai_responses: readResponsesFrame,
  anthropic_messages: readMessagesFrame,
  gemini_content: readGeminiFrame,
}

/**
 * The texts and tool calls of a streamed answer, each in one piece. What only frames them is left out.
 *
 * @returns null for a shape that does not stream texts
 * @throws UnreadableFrame, or RangeError when a stream has more texts than an answer can have
 */
export function assembleStream(shape: string, bytes: Uint8Array): AssembledPart[] | null {
  const read = READERS[shape]
  if (read === undefined) return null
  // Frames that repeat a text are told from new ones by comparing wholes.
  const book = new LaneBook(true)
  const pieces = new Map<Lane, string[]>()
  for (const json of framesIn(bytes)) {
    const { slots, endedGroups } = read(json, book)
    for (const { lane, text, isRepeat } of slots) {
      if (isRepeat || text === '') continue
      const known = pieces.get(lane)
      if (known === undefined) pieces.set(lane, [text])
      else known.push(text)
    }
    for (const group of endedGroups) book.endGroup(group)
    if (book.isFull) throw new RangeError('a stream with too many texts')
  }
  return [...pieces].map(([lane, texts]) => ({
    place: 'path' in lane && Array.isArray(lane.path) ? lane.path.join('.') : lane.group,
    ...(lane instanceof ToolLane ? { tool: lane.name } : {}),
    text: texts.join(''),
  }))
}

/** Events, or an array of what would be in them. */
function framesIn(bytes: Uint8Array): JsonObject[] {
  if (bytes[0] === OPEN_BRACKET) {
    const items: unknown = parseJson(new TextDecoder().decode(bytes))
    return (Array.isArray(items) ? items : []).map(fieldsOf).filter((item) => item !== null)
  }
  const decoder = new SseDecoder(bytes.length)
  const frames = decoder.push(bytes)
  const last = decoder.end()
  return [...frames, ...(last === null ? [] : [last])]
    .map((frame) => jsonOf(readFrame(frame).data))
    .filter((json) => json !== null)
}

const OPEN_BRACKET = 0x5b

function jsonOf(data: string | null): JsonObject | null {
  try {
    return data === null ? null : fieldsOf(parseJson(data))
  } catch {
    return null // such as [DONE]
  }
}
