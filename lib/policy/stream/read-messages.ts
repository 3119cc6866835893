import {
  type FrameReading,
  fieldsOf,
  indexOf,
  type JsonObject,
  NOTHING_READ,
  textOf,
  UnreadableFrame,
  walkTexts,
} from './frame-reading'
import type { Slot } from './lane'
import type { LaneBook } from './lane-book'

const INPUT = new Set(['input'])

/** One event of Anthropic's Messages API. */
export function readMessagesFrame(json: JsonObject, book: LaneBook): FrameReading {
  const index = indexOf(json.index) ?? 0
  const group = String(index)
  const slots: Slot[] = []
  switch (json.type) {
    case 'message_start':
      readTexts(fieldsOf(json.message)?.content, 'start', 0, slots, book)
      break
    case 'content_block_start': {
      const block = fieldsOf(json.content_block) ?? {}
      if (fieldsOf(block.input) === null) readTexts(block, group, index, slots, book)
      else slots.push(startOfCall(block, index, book))
      break
    }
    case 'content_block_delta': {
      const delta = fieldsOf(json.delta) ?? {}
      const piece = textOf(delta.partial_json)
      if (piece === null) readTexts(delta, group, index, slots, book)
      else {
        const lane = book.tool(group, group, ['content', index, 'input'], null)
        const write = (text: string) => Reflect.set(delta, 'partial_json', text)
        slots.push({ lane, start: lane.append(piece), text: piece, isRepeat: false, write })
      }
      break
    }
    case 'content_block_stop':
      return { ...NOTHING_READ, endedGroups: [group] }
    case 'message_stop':
      return { ...NOTHING_READ, isTerminal: true }
    case 'ping':
      return { ...NOTHING_READ, mayOvertake: true }
  }
  const [only] = slots
  const isSplittable = json.type === 'content_block_delta' && slots.length === 1 && only !== undefined
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
      const lane = book.text(`${group}.${path.join('.')}`, group, ['content', index, ...path], 0)
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
  lane.name = textOf(block.name) ?? ''
  const input = fieldsOf(block.input) ?? {}
  const text = Object.keys(input).length === 0 ? '' : JSON.stringify(input)
  const write = (written: string) => Reflect.set(block, 'input', written === '' ? {} : JSON.parse(written))
  return { lane, start: lane.append(text), text, isRepeat: false, write }
}
