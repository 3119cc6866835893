import type { JsonPath } from '@/lib/policy/engine/subject'
import type { Slot } from './lane'
import type { LaneBook } from './lane-book'
import { UnreadableFrame } from './unreadable-frame'

export type JsonObject = Record<string, unknown>

/** What one frame says, and where in it. */
export type FrameReading = {
  slots: Slot[]
  /** Groups of lanes for which no more comes. */
  endedGroups: string[]
  /** The last frame of a complete answer. */
  isTerminal: boolean
  /** It may go before frames that wait, unless they are about the same text. */
  mayOvertake: boolean
  /** Takes out what is beside an altered text and would tell it: log probabilities. */
  forget(): void
  /** The frame's JSON with this text only and without what comes at an end; null when it cannot be split. */
  splitOff: ((text: string) => string) | null
}

export const NOTHING_READ: FrameReading = {
  slots: [],
  endedGroups: [],
  isTerminal: false,
  mayOvertake: false,
  forget: () => {},
  splitOff: null,
}
export const TERMINAL_READ: FrameReading = { ...NOTHING_READ, isTerminal: true }
/** Nobody is told anything by it: a comment, or an event without data. */
export const SPACER_READ: FrameReading = { ...NOTHING_READ, mayOvertake: true }

export const fieldsOf = (value: unknown): JsonObject | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

export const indexOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null

export const isGiven = (value: unknown): boolean => value !== undefined && value !== null

/** @throws UnreadableFrame for anything else: a client may make something of it that nobody has looked at */
export function objectsIn(value: unknown): JsonObject[] {
  if (!isGiven(value)) return []
  if (!Array.isArray(value)) throw new UnreadableFrame('no list')
  return value.filter(isGiven).map((item) => {
    const fields = fieldsOf(item)
    if (fields === null) throw new UnreadableFrame('no object')
    return fields
  })
}

const DEPTH_MAX = 12

/** Strings that name things and are no content. */
const NAMES = new Set(
  (
    'id type role name format index object model status signature encrypted_content thought_signature call_id item_id ' +
    'tool_use_id tool_call_id response_id file_id container_id obfuscation b64_json partial_image_b64 media_type data ' +
    'thoughtSignature mimeType language outcome blockReason'
  ).split(' '),
)

/**
 * Calls back for every text within a value, however deep and whatever its name: a provider's new field is content until
 * we know better. Log probabilities are what was left of them (walk/logprobs.ts).
 *
 * @param skip keys of the value itself that are read elsewhere
 * @returns false when it is too deep to be walked
 */
export function walkTexts(
  value: unknown,
  path: JsonPath,
  visit: (text: string, path: JsonPath, write: (text: string) => void) => void,
  skip: ReadonlySet<string> = NONE,
): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (path.length > DEPTH_MAX) return false
  let isWhole = true
  for (const [key, child] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key
    if (skip.has(key) || (NAMES.has(key) && isName(child)) || key === 'logprobs') continue
    const text = typeof child === 'number' && Math.abs(child) >= NUMBER_MIN ? String(child) : child
    if (typeof text !== 'string') isWhole = walkTexts(child, [...path, step], visit) && isWhole
    else if (text !== '') visit(text, [...path, step], (text) => Reflect.set(value, key, text))
  }
  return isWhole
}

/** What names things, or is base64, is ASCII without blanks and no address. What holds other fields is no name. */
const isName = (value: unknown) => (typeof value === 'string' ? !/[^\x21-\x3f\x41-\x7e]/.test(value) : !isHolder(value))
const isHolder = (value: unknown) => typeof value === 'object' && value !== null

/** Smaller numbers count something; longer ones may be somebody's. */
const NUMBER_MIN = 10_000_000

/** The same for texts that stand in a frame as wholes, beside what the model says. */
export function wholeTexts(value: unknown, path: JsonPath, skip: ReadonlySet<string>, book: LaneBook): Slot[] {
  const slots: Slot[] = []
  if (!walkTexts(value, path, (text, at, write) => slots.push(book.whole(text, at, write)), skip)) {
    throw new UnreadableFrame('too deep')
  }
  return slots
}

const NONE: ReadonlySet<string> = new Set()
