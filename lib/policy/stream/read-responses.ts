import type { JsonPath } from '@/lib/policy/engine/subject'
import { ACTION, ANSWER_FIELDS, actionField, actionName } from '@/lib/policy/walk/openai-responses'
import {
  type FrameReading,
  fieldsOf,
  indexOf,
  type JsonObject,
  listOf,
  textOf,
  walkTexts,
  wholeTexts,
} from './frame-reading'
import type { Slot } from './lane'
import type { LaneBook } from './lane-book'
import { UnreadableFrame } from './unreadable-frame'

const CALL_EVENT = /^response\.(function_call_arguments|custom_tool_call_input|mcp_call_arguments)\.(delta|done)$/
const CALL_ITEM = /^(function_call|custom_tool_call|mcp_call|mcp_approval_request)$/
const ACTION_EVENT = /^response\.(?:local_shell|shell|apply_patch|computer|tool_search)_call/
const TERMINAL = new Set(['response.completed', 'response.incomplete', 'response.failed'])
/** Sound and pictures in base64 are not text. */
const BINARY = new Set(['response.audio.delta', 'response.output_audio.delta'])
const EVENT_KEYS = new Set(['response'])
/** Of events that hold a piece of something: what is read as that piece. */
const PIECE_KEYS = new Set(['delta', 'arguments', 'input', 'item'])
const CALL_KEYS = new Set(['arguments', 'input'])

/**
 * One event of OpenAI's Responses API. Its last events repeat what the deltas said: a text that a lane ended with gets the
 * decision of that lane, any other is decided on its own.
 */
export function readResponsesFrame(json: JsonObject, book: LaneBook): FrameReading {
  const type = textOf(json.type) ?? ''
  const output = indexOf(json.output_index) ?? 0
  const reader = new Reader(book, String(output))
  const call = CALL_EVENT.exec(type)
  const isDelta = type.endsWith('.delta') && typeof json.delta === 'string'
  const isPiece = call !== null || isDelta || type.startsWith('response.output_item.')
  if (type.endsWith('.added')) book.begin(String(output))
  if (call !== null) reader.call(json, output, call[2] === 'done' ? callField(type) : 'delta', call[2] === 'done')
  else if (type.startsWith('response.output_item.')) {
    if (type === 'response.output_item.done') book.endGroup(String(output))
    reader.item(json.item, output, type.endsWith('.done'))
  } else if (isDelta) {
    if (!BINARY.has(type))
      reader.delta(json, `${output}.${json.content_index ?? ''}.${json.summary_index ?? ''}.${type.slice(0, -6)}`)
  } else {
    if (TERMINAL.has(type)) book.endAll()
    // The key under which the deltas came is that of the event that ends them.
    reader.repeats(
      json,
      EVENT_KEYS,
      `${output}.${json.content_index ?? ''}.${json.summary_index ?? ''}.${type.replace(/\.done$/, '')}`,
    )
    for (const [index, item] of listOf(fieldsOf(json.response)?.output).entries())
      reader.item(item, index, TERMINAL.has(type))
    reader.beside(json.response, ['response'], ANSWER_FIELDS)
  }
  if (ACTION_EVENT.test(type)) reader.hold(String(output))
  if (isPiece) reader.beside(json, [], PIECE_KEYS)
  return {
    slots: reader.slots,
    endedGroups: [],
    isTerminal: TERMINAL.has(type),
    mayOvertake: false,
    forget: () => forgetLogprobs(json, 0),
    splitOff: null,
  }
}

const callField = (type: string) => (type.includes('custom_tool_call') ? 'input' : 'arguments')

class Reader {
  readonly slots: Slot[] = []

  constructor(
    readonly book: LaneBook,
    readonly group: string,
  ) {}

  delta(json: JsonObject, key: string): void {
    const text = textOf(json.delta) ?? ''
    if (text === '') return
    const path = ['output', indexOf(json.output_index) ?? 0, 'content', indexOf(json.content_index) ?? 0, 'text']
    const lane = this.book.text(key, this.group, path, 0, true)
    const write = (written: string) => Reflect.set(json, 'delta', written)
    this.slots.push({ lane, start: this.book.append(lane, text), text, isRepeat: false, write })
  }

  /** A piece of the arguments of a call, or all of them again. */
  call(from: JsonObject, output: number, field: string, isEnd: boolean): void {
    const text = textOf(from[field]) ?? ''
    const key = String(output)
    const known = this.book.findTool(key)
    const lane = known ?? this.book.tool(key, key, ['output', output, field], null)
    const write = (written: string) => Reflect.set(from, field, written)
    if (!isEnd) {
      this.slots.push({ lane, start: lane.append(text), text, isRepeat: false, write })
      return
    }
    if (lane.arguments === '') lane.append(text)
    else if (text !== '' && lane.arguments !== text) throw new UnreadableFrame('a call ends with other arguments')
    this.slots.push({ lane, start: 0, text, isRepeat: text !== '', write })
  }

  /** A piece of a call in a form of its own waits for the call. */
  hold(key: string): void {
    const lane = this.book.findTool(key)
    if (lane !== null) this.slots.push({ lane, start: 0, text: '', isRepeat: false, write: () => {} })
  }

  /** @param isEnd whether all of it is there */
  item(value: unknown, output: number, isEnd: boolean): void {
    const item = fieldsOf(value)
    if (item === null) return
    if (ACTION.test(textOf(item.type) ?? '')) {
      this.#action(item, output, isEnd)
      return
    }
    if (!CALL_ITEM.test(textOf(item.type) ?? '')) {
      this.repeats(item, new Set(), `${output}.item`)
      return
    }
    const field = typeof item.input === 'string' ? 'input' : 'arguments'
    const id = textOf(item.call_id) ?? textOf(item.id)
    const lane = this.book.tool(String(output), String(output), ['output', output, field], id)
    lane.call(textOf(item.name))
    this.call(item, output, field, true)
    this.repeats(item, CALL_KEYS, `${output}.item`)
  }

  #action(item: JsonObject, output: number, isEnd: boolean): void {
    const key = String(output)
    const field = actionField(item)
    const lane = this.book.tool(key, key, ['output', output, field], textOf(item.call_id) ?? textOf(item.id))
    lane.call(actionName(item.type))
    lane.isFixed = true
    const text = isEnd && item[field] !== undefined ? JSON.stringify(item[field]) : ''
    if (lane.arguments === '') lane.append(text)
    else if (text !== '' && lane.arguments !== text) throw new UnreadableFrame('a call ends with other arguments')
    this.hold(key)
    this.repeats(item, new Set(isEnd ? [field] : []), `${output}.item`)
  }

  beside(from: unknown, path: JsonPath, known: ReadonlySet<string>): void {
    this.slots.push(...wholeTexts(from, path, known, this.book))
  }

  repeats(from: JsonObject, skip: ReadonlySet<string>, key: string): void {
    const isWhole = walkTexts(from, [], (text, path, write) => this.#repeat(text, path, write, key), skip)
    if (!isWhole) throw new UnreadableFrame('too deep')
  }

  #repeat(text: string, path: JsonPath, write: (text: string) => void, key: string): void {
    const known = this.book.findWhole(key, text)
    const lane = known ?? this.book.text(`${key}.${path.join('.')}.own`, this.group, ['output', ...path], 0)
    if (known === null) {
      // Nobody has shown it yet, so that it is a text of its own, all in one place.
      const start = this.book.append(lane, text)
      this.book.endText(lane)
      this.slots.push({ lane, start, text, isRepeat: false, write })
      return
    }
    this.book.endText(lane)
    this.slots.push({ lane, start: 0, text, isRepeat: true, write })
  }
}

function forgetLogprobs(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > 12) return
  for (const [key, child] of Object.entries(value)) {
    if (key === 'logprobs' && Array.isArray(child)) Reflect.set(value, key, [])
    else forgetLogprobs(child, depth + 1)
  }
}
