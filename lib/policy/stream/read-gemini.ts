import { ANSWER_FIELDS, CANDIDATE_FIELDS } from '@/lib/policy/walk/gemini-content'
import { parseJson } from '../../parse-json'
import {
  type FrameReading,
  fieldsOf,
  indexOf,
  isGiven,
  type JsonObject,
  NOTHING_READ,
  objectsIn,
  textOf,
  wholeTexts,
} from './frame-reading'
import { type Slot, TextLane } from './lane'
import type { LaneBook } from './lane-book'
import { UnreadableFrame } from './unreadable-frame'

const CALL_KEYS = new Set(['name', 'args'])
const TEXT_KEYS = new Set(['text', 'functionCall'])
const CONTENT_KEYS = new Set(['parts', 'role'])

/** One response of a stream of Google's, which has the shape of a whole answer: a piece of each text, and whole calls. */
export function readGeminiFrame(json: JsonObject, book: LaneBook): FrameReading {
  const slots: Slot[] = []
  const candidates = objectsIn(json.candidates)
  for (const [position, candidate] of candidates.entries()) {
    const index = indexOf(candidate.index) ?? position
    const place = ['candidates', index]
    const [content = null] = objectsIn(isGiven(candidate.content) ? [candidate.content] : [])
    for (const [at, part] of objectsIn(content?.parts).entries()) readPart(part, index, at, slots, book)
    slots.push(...wholeTexts(content, [...place, 'content'], CONTENT_KEYS, book))
    slots.push(...wholeTexts(candidate, place, CANDIDATE_FIELDS, book))
  }
  slots.push(...wholeTexts(json, [], ANSWER_FIELDS, book))
  const [only] = slots
  const isTerminal = hasEnded(json)
  // Clients keep parts in the order in which they come: a call or code stands behind the words before it.
  const isWords = slots.every(({ lane }) => lane instanceof TextLane && lane.kind === 'text')
  const isSplittable = !isTerminal && slots.length === 1 && candidates.length === 1 && only?.isRepeat === false
  return {
    ...NOTHING_READ,
    slots,
    isTerminal,
    mayOvertake: candidates.length === 1 && isWords,
    splitOff:
      isSplittable && only
        ? (text) => {
            only.write(text)
            return JSON.stringify(json)
          }
        : null,
  }
}

/** It says why it ended: nothing else does, in this shape. */
export const hasEnded = (json: JsonObject): boolean =>
  fieldsOf(json.promptFeedback)?.blockReason !== undefined ||
  (Array.isArray(json.candidates) && json.candidates.some((candidate) => isReason(fieldsOf(candidate)?.finishReason)))

const isReason = (said: unknown) => typeof said === 'string' && said !== '' && said !== 'FINISH_REASON_UNSPECIFIED'

/** Clients join the texts of an answer, and the thoughts; everything else in a part is there at once. */
function readPart(part: JsonObject, index: number, at: number, slots: Slot[], book: LaneBook): void {
  const place = ['candidates', index, 'content', 'parts', at]
  const text = textOf(part.text)
  if (text !== null && text !== '') {
    const kind = part.thought === true ? 'thought' : 'text'
    const lane = book.text(`${index}.${kind}`, String(index), ['candidates', index, 'content', kind], index, true)
    const write = (written: string) => Reflect.set(part, 'text', written)
    slots.push({ lane, start: book.append(lane, text), text, isRepeat: false, write })
  } else if (text === null && isGiven(part.text)) throw new UnreadableFrame('a text that is none')
  if (isGiven(part.functionCall)) slots.push(...readCall(part, [...place, 'functionCall'], book))
  slots.push(...wholeTexts(part, place, TEXT_KEYS, book))
}

function readCall(part: JsonObject, place: (string | number)[], book: LaneBook): Slot[] {
  const call = fieldsOf(part.functionCall)
  const name = textOf(call?.name)
  if (call === null || name === null || name === '') throw new UnreadableFrame('a call without a name')
  // Pieces of arguments come from other services of Google's only, and only to who asks for them.
  if (isGiven(call.partialArgs) || call.willContinue === true) throw new UnreadableFrame('a call in pieces')
  const lane = book.wholeCall([...place, 'args'], textOf(call.id))
  lane.call(name)
  const text = JSON.stringify(call.args ?? {})
  const write = (written: string) => Reflect.set(call, 'args', parseJson(written))
  return [{ lane, start: lane.append(text), text, isRepeat: false, write }, ...wholeTexts(call, place, CALL_KEYS, book)]
}
