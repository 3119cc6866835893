import { ANSWER_FIELDS } from '@/lib/policy/walk/openai-chat'
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

const CALL_KEYS = new Set(['function', 'custom'])
const BODY_KEYS = new Set(['name', 'arguments', 'input'])
const TOOL_KEYS = new Set(['tool_calls', 'function_call'])
const CHOICE_KEYS = new Set(['delta', 'finish_reason', 'native_finish_reason', 'stop_reason', 'content_filter_results'])

/** One chunk of OpenAI Chat Completions (`chat.completion.chunk`), with the fields that other providers add. */
export function readChatFrame(json: JsonObject, book: LaneBook): FrameReading {
  const slots: Slot[] = []
  const endedGroups: string[] = []
  const choices = listOf(json.choices)
    .map(fieldsOf)
    .filter((choice) => choice !== null)
  for (const [position, choice] of choices.entries()) {
    const index = indexOf(choice.index) ?? position
    const delta = fieldsOf(choice.delta)
    readTexts(choice, CHOICE_KEYS, index, 'choice', slots, book)
    if (delta !== null) {
      readTexts(delta, TOOL_KEYS, index, 'message', slots, book)
      readCalls(delta, index, slots, book)
    }
    if (textOf(choice.finish_reason) !== null) endedGroups.push(String(index))
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
      const lane = book.text(key, String(choice), place, choice)
      slots.push({ lane, start: book.append(lane, text), text, isRepeat: false, write })
    },
    skip,
  )
  if (!isWhole) throw new UnreadableFrame('too deep')
}

function readCalls(delta: JsonObject, choice: number, slots: Slot[], book: LaneBook): void {
  for (const [position, entry] of listOf(delta.tool_calls).entries()) {
    const call = fieldsOf(entry)
    if (call === null) continue
    const index = indexOf(call.index) ?? position
    // A tool of the caller's own making (`custom`) has free text as its input.
    const [body, field] = fieldsOf(call.custom) === null ? [call.function, 'arguments'] : [call.custom, 'input']
    const path = ['choices', choice, 'message', 'tool_calls', index, field === 'input' ? 'custom' : 'function', field]
    const lane = book.tool(`${choice}.${index}`, String(choice), path, textOf(call.id))
    slots.push(callSlot(fieldsOf(body) ?? {}, field, lane))
    slots.push(...wholeTexts(call, path.slice(0, -2), CALL_KEYS, book))
    slots.push(...wholeTexts(body, path.slice(0, -1), BODY_KEYS, book))
  }
  const legacy = fieldsOf(delta.function_call)
  if (legacy === null) return
  const lane = book.tool(
    `${choice}.legacy`,
    String(choice),
    ['choices', choice, 'message', 'function_call', 'arguments'],
    null,
  )
  slots.push(callSlot(legacy, 'arguments', lane))
}

function callSlot(body: JsonObject, field: string, lane: ReturnType<LaneBook['tool']>): Slot {
  const name = textOf(body.name)
  lane.call(name)
  const text = textOf(body[field]) ?? ''
  return {
    lane,
    start: lane.append(text),
    text,
    isRepeat: false,
    write: (written) => Reflect.set(body, field, written),
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
