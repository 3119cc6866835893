import { ANSWER_FIELDS } from '@/lib/policy/walk/openai-chat'
import { parseJson } from '../../parse-json'
import { finishReasonOf } from './finish-reason'
import {
  type FrameReading,
  fieldsOf,
  indexOf,
  isGiven,
  type JsonObject,
  objectsIn,
  textOf,
  walkTexts,
  wholeTexts,
} from './frame-reading'
import type { Slot, ToolLane } from './lane'
import type { LaneBook } from './lane-book'
import { UnreadableFrame } from './unreadable-frame'

const CALL_KEYS = new Set(['function', 'custom'])
const BODY_KEYS = new Set(['name', 'arguments', 'input'])
const TOOL_KEYS = new Set(['tool_calls', 'function_call'])
const CHOICE_KEYS = new Set([
  'delta',
  'message',
  'finish_reason',
  'native_finish_reason',
  'stop_reason',
  'content_filter_results',
])

/** One chunk of OpenAI Chat Completions (`chat.completion.chunk`), with the fields that other providers add. */
export function readChatFrame(json: JsonObject, book: LaneBook): FrameReading {
  const slots: Slot[] = []
  const endedGroups: string[] = []
  const choices = objectsIn(json.choices)
  for (const [position, choice] of choices.entries()) {
    const index = indexOf(choice.index) ?? position
    readTexts(choice, CHOICE_KEYS, index, 'choice', slots, book)
    const [delta = null] = objectsIn(isGiven(choice.delta) ? [choice.delta] : [])
    if (delta !== null) {
      readTexts(delta, TOOL_KEYS, index, 'message', slots, book)
      readCalls(delta, index, '', slots, book)
    }
    // Some say at the end once more what they had said.
    const [whole = null] = objectsIn(isGiven(choice.message) ? [choice.message] : [])
    if (whole !== null) {
      readTexts(whole, TOOL_KEYS, index, 'whole', slots, book)
      readCalls(whole, index, 'whole.', slots, book)
    }
    if (finishReasonOf(choice.finish_reason) !== null) endedGroups.push(String(index))
  }
  const ofChoices = slots.length
  slots.push(...wholeTexts(json, [], ANSWER_FIELDS, book))
  const [only] = choices
  const isSplittable =
    ofChoices === 1 && choices.length === 1 && slots.length === 1 && !slots[0]?.isRepeat && only !== undefined
  return {
    slots,
    endedGroups,
    isTerminal: false,
    mayOvertake: endedGroups.length === 0 && choices.length > 0,
    forget: () => {
      for (const choice of choices) if (choice.logprobs) choice.logprobs = null
    },
    splitOff: isSplittable ? (text) => splitOff(json, only, slots[0], text) : null,
  }
}

/**
 * Without what chunks repeat of the answer so far, as Perplexity's do, beside the piece that is new: at its end stands a part
 * that waits for a decision.
 */
export function withoutAnswerSoFar(json: JsonObject): JsonObject {
  if (!Array.isArray(json.choices)) return json
  const isRepeat = (choice: unknown) => {
    const { delta, message, finish_reason } = fieldsOf(choice) ?? {}
    return isGiven(delta) && isGiven(message) && finishReasonOf(finish_reason) === null
  }
  if (!json.choices.some(isRepeat)) return json
  const choices = json.choices.map((choice) => (isRepeat(choice) ? { ...choice, message: undefined } : choice))
  return { ...json, choices }
}

function readTexts(
  from: JsonObject,
  skip: ReadonlySet<string>,
  choice: number,
  root: string,
  slots: Slot[],
  book: LaneBook,
): void {
  const isWhole = walkTexts(
    from,
    [],
    (text, path, write) => {
      const key = `${choice}.${root}.${path.join('.')}`
      const place = root === 'message' ? ['choices', choice, 'message', ...path] : ['choices', choice, ...path]
      const lane = book.text(key, String(choice), place, choice, root !== 'whole')
      slots.push({ lane, start: book.append(lane, text), text, isRepeat: false, write })
    },
    skip,
  )
  if (!isWhole) throw new UnreadableFrame('too deep')
}

function readCalls(from: JsonObject, choice: number, root: string, slots: Slot[], book: LaneBook): void {
  for (const [position, call] of objectsIn(from.tool_calls).entries()) {
    const index = indexOf(call.index) ?? position
    const own = fieldsOf(call.custom)
    if (own !== null && isGiven(call.function)) throw new UnreadableFrame('a call of two kinds')
    // A tool of the caller's own making (`custom`) has free text as its input.
    const [body, field] = own === null ? [call.function, 'arguments'] : [own, 'input']
    const path = ['choices', choice, 'message', 'tool_calls', index, field === 'input' ? 'custom' : 'function', field]
    const lane = book.tool(`${choice}.${root}${index}`, String(choice), path, textOf(call.id))
    slots.push(callSlot(fieldsOf(body) ?? {}, field, lane))
    slots.push(...wholeTexts(call, path.slice(0, -2), CALL_KEYS, book))
    slots.push(...wholeTexts(body, path.slice(0, -1), BODY_KEYS, book))
  }
  const legacy = fieldsOf(from.function_call)
  if (legacy === null) return
  const path = ['choices', choice, 'message', 'function_call']
  const lane = book.tool(`${choice}.${root}legacy`, String(choice), [...path, 'arguments'], null)
  slots.push(callSlot(legacy, 'arguments', lane))
  slots.push(...wholeTexts(legacy, path, BODY_KEYS, book))
}

function callSlot(body: JsonObject, field: string, lane: ToolLane): Slot {
  lane.call(textOf(body.name))
  const value = body[field] ?? ''
  const isText = typeof value === 'string'
  const text = isText ? value : JSON.stringify(value)
  if (text !== '' && lane.name === '') throw new UnreadableFrame('a call without a name')
  return {
    lane,
    start: lane.append(text),
    text,
    isRepeat: false,
    write: (written) => Reflect.set(body, field, isText || written === '' ? written : parseJson(written)),
  }
}

/** A choice that ends is decided to its end, so that only what goes on is split. */
function splitOff(json: JsonObject, choice: JsonObject, slot: Slot | undefined, text: string): string {
  const { usage } = json
  slot?.write(text)
  if (usage !== undefined) json.usage = null
  const first = JSON.stringify(json)
  if (usage !== undefined) json.usage = usage
  // Clients that join deltas would join the role too.
  const delta = fieldsOf(choice.delta)
  if (delta !== null) delete delta.role
  return first
}
