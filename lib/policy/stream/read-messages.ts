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
  switch (json.type) {
    case 'message_start':
      readTexts(fieldsOf(json.message)?.content, 'start', 0, slots, book)
      slots.push(...wholeTexts(json.message, ['message'], ANSWER_FIELDS, book))
      break
    case 'content_block_start': {
      const block = fieldsOf(json.content_block) ?? {}
      if (block.input === undefined && !CALL.test(textOf(block.type) ?? '')) {
        readTexts(block, group, index, slots, book)
      } else {
        slots.push(startOfCall(block, index, book))
        slots.push(...wholeTexts(block, ['content', index], CALL_KEYS, book))
      }
      break
    }
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
