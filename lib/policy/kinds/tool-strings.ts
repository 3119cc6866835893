import { withoutEscapes } from '../../parse-json'
import type { ToolCall } from '../engine/subject'

/** A string inside the arguments of a call: a value, or the name of a field. */
export type ToolString = { text: string; isKey: boolean; key: string | null }

const STRINGS_MAX = 20_000
const CHARACTERS_MAX = 1_048_576
const DEPTH_MAX = 64

/**
 * All strings of a call's arguments, names of fields included; the whole text when the arguments are no JSON.
 *
 * @returns `complete` is false when there was more than the bounds allow; whoever decides on it must not call that clean
 */
export function toolStrings(call: ToolCall): { strings: ToolString[]; complete: boolean } {
  const strings: ToolString[] = []
  let characters = 0
  let complete = true
  const take = (text: string, isKey: boolean, key: string | null) => {
    characters += text.length
    if (strings.length >= STRINGS_MAX || characters > CHARACTERS_MAX) complete = false
    else strings.push({ text, isKey, key })
    return complete
  }
  const visit = (value: unknown, key: string | null, depth: number): boolean => {
    if (typeof value === 'string') return take(value, false, key)
    // Card and account numbers are as often sent as numbers.
    if (typeof value === 'number') return take(String(value), false, key)
    if (typeof value !== 'object' || value === null) return true
    if (depth >= DEPTH_MAX) {
      complete = false
      return false
    }
    if (Array.isArray(value)) return value.every((item) => visit(item, key, depth + 1))
    return Object.entries(value).every(([name, field]) => take(name, true, null) && visit(field, name, depth + 1))
  }
  if (call.parsed === undefined) take(withoutEscapes(call.arguments), false, null)
  else visit(call.parsed, null, 0)
  return { strings, complete }
}
