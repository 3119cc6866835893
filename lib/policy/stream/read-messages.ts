import { ANSWER_FIELDS } from '@/lib/policy/walk/anthropic-messages'
import { parseJson } from '../../parse-json'
import {
  type FrameReading,
  fieldsOf,
  indexOf,
  type JsonObject,
  NOTHING_READ,
  textOf,
  walkTexts,
  wholeTexts,
} from './frame-reading'
import type { Slot } from './lane'
import type { LaneBook } from './lane-book'
import { UnreadableFrame } from './unreadable-frame'

const INPUT = new Set(['input'])
const CALL = /tool_use$/
const CALL_KEYS = new Set(['name', 'input'])
/** What is read above, frame by frame; all else in a frame is read as it stands. */
const FRAME_KEYS = new Set(['type', 'index', 'message', 'content_block', 'usage'])
const DELTA_FRAME_KEYS = new Set([...FRAME_KEYS, 'delta'])

/** One event of Anthropic's Messages API. */
export function readMessagesFrame(json: JsonObject, book: LaneBook): FrameReading {
  const index = indexOf(json.index) ?? 0
  const group = String(index)
  const slots: Slot[] = []
  // What a provider ran before it answers, and calls that came of that, are there at once.
  const blocks = json.type === 'message_start' ? blocksIn(fieldsOf(json.message)?.content) : []
  switch (json.type) {
    case 'message_start':
      for (const [at, block] of blocks.entries()) readBlock(block, at, slots, book)
      slots.push(...wholeTexts(json.message, ['message'], ANSWER_FIELDS, book))
      break
    case 'content_block_start':
      book.begin(group)
      readBlock(fieldsOf(json.content_block) ?? {}, index, slots, book)
      break
    case 'content_block_delta': {
      const delta = fieldsOf(json.delta) ?? {}
      const piece = textOf(delta.partial_json)
      if (piece === null) readTexts(delta, group, index, slots, book)
      else {
        const lane = book.findTool(group)
        if (lane === null) throw new UnreadableFrame('a call without a beginning')
        if (lane.isWhole && piece !== '') throw new UnreadableFrame('a call with two sets of arguments')
        const write = (text: string) => Reflect.set(delta, 'partial_json', text)
        slots.push({ lane, start: lane.append(piece), text: piece, isRepeat: false, write })
      }
      break
    }
  }
  const isDelta = json.type === 'content_block_delta'
  const ofBlock = slots.length
  slots.push(...wholeTexts(json, [], isDelta ? DELTA_FRAME_KEYS : FRAME_KEYS, book))
  switch (json.type) {
    case 'message_start':
      return { ...NOTHING_READ, slots, endedGroups: blocks.map((_, at) => String(at)) }
    case 'content_block_stop':
      return { ...NOTHING_READ, slots, endedGroups: [group] }
    case 'message_stop':
      return { ...NOTHING_READ, slots, isTerminal: true }
    case 'ping':
      return { ...NOTHING_READ, slots, mayOvertake: true }
  }
  const [only] = slots
  const isSplittable = isDelta && ofBlock === 1 && slots.length === 1 && only !== undefined
  return {
    ...NOTHING_READ,
    slots,
    splitOff: isSplittable
      ? (text) => {
          only.write(text)
          return JSON.stringify(json)
        }
      : null,
  }
}

/** @throws UnreadableFrame for anything else: a client may make something of it that nobody has looked at */
function blocksIn(content: unknown): JsonObject[] {
  if (content === undefined || content === null || content === '') return []
  if (!Array.isArray(content)) throw new UnreadableFrame('no list')
  return content.map((block) => {
    const fields = fieldsOf(block)
    if (fields === null) throw new UnreadableFrame('no object')
    return fields
  })
}

function readBlock(block: JsonObject, index: number, slots: Slot[], book: LaneBook): void {
  if (block.input === undefined && !CALL.test(textOf(block.type) ?? '')) {
    readTexts(block, String(index), index, slots, book)
    return
  }
  slots.push(startOfCall(block, index, book))
  slots.push(...wholeTexts(block, ['content', index], CALL_KEYS, book))
}

function readTexts(from: unknown, group: string, index: number, slots: Slot[], book: LaneBook): void {
  const isWhole = walkTexts(
    from,
    [],
    (text, path, write) => {
      const lane = book.text(`${group}.${path.join('.')}`, group, ['content', index, ...path], 0, true)
      slots.push({ lane, start: book.append(lane, text), text, isRepeat: false, write })
    },
    INPUT,
  )
  if (!isWhole) throw new UnreadableFrame('too deep')
}

/** The input of a call comes in pieces after an empty object, or at once in the first frame. */
function startOfCall(block: JsonObject, index: number, book: LaneBook): Slot {
  const group = String(index)
  const lane = book.tool(group, group, ['content', index, 'input'], textOf(block.id))
  lane.call(textOf(block.name))
  const { input } = block
  const isEmpty = input === undefined || input === null || JSON.stringify(input) === '{}'
  const text = isEmpty ? '' : JSON.stringify(input)
  lane.isWhole ||= text !== ''
  const write = (written: string) => Reflect.set(block, 'input', written === '' ? {} : parseJson(written))
  return { lane, start: lane.append(text), text, isRepeat: false, write }
}
