import { contextBefore } from './context'

/** Digits as people write them: groups with at most two separators between, such as `4111 1111-1111`. */
export type NumberGroups = {
  /** Where the first digit stands. */
  start: number
  /** Digits of each group. */
  groups: readonly string[]
  /** What stands before each group but the first; '' before the first. */
  separators: readonly string[]
  /** Where each group ends. */
  ends: readonly number[]
  /** Digits of all groups together. */
  digits: number
  /** What stands before it, once a detector has asked. */
  context: string | null
}

/** No number that is looked for has more groups; what follows belongs to the next number. */
const GROUPS_MAX = 9
const DIGITS_MAX = 34

const isDigit = (code: number) => code >= 48 && code <= 57

/** Written for a hyphen by people and word processors; read as one. */
const EN_DASH = 0x2013

const isSeparator = (code: number) =>
  code === 32 ||
  code === 45 ||
  code === 46 ||
  code === 47 ||
  code === 40 ||
  code === 41 ||
  code === 0xa0 ||
  code === 0x2011 ||
  code === EN_DASH

/** Reads the groups that begin at `start`, which must be a digit. Bounded, whatever the text is. */
export function readGroups(text: string, start: number): NumberGroups {
  const groups: string[] = []
  const separators: string[] = []
  const ends: number[] = []
  let at = start
  let separator = ''
  let digits = 0
  while (groups.length < GROUPS_MAX && digits < DIGITS_MAX) {
    let end = at
    while (end < text.length && end - at < DIGITS_MAX && isDigit(text.charCodeAt(end))) end++
    if (end === at) break
    groups.push(text.slice(at, end))
    separators.push(separator)
    ends.push(end)
    digits += end - at
    let next = end
    while (next - end < 2 && isSeparator(text.charCodeAt(next))) next++
    if (next === end || !isDigit(text.charCodeAt(next))) break
    separator = text.slice(end, next)
    if (text.charCodeAt(end) === EN_DASH || text.charCodeAt(next - 1) === EN_DASH)
      separator = separator.replaceAll('–', '-')
    at = next
  }
  return { start, groups, separators, ends, digits, context: null }
}

/** What `contextBefore` says of it, worked out once for all detectors. */
export function contextOf(text: string, number: NumberGroups): string {
  number.context ??= contextBefore(text, number.start)
  return number.context
}

/** Whether the first groups have these lengths. */
export function hasShape({ groups }: NumberGroups, lengths: readonly number[]): boolean {
  if (groups.length < lengths.length) return false
  for (let index = 0; index < lengths.length; index++) if (groups[index]?.length !== lengths[index]) return false
  return true
}

/** Whether the first `count` groups all have this separator between them; any one when it is null. */
export function isSeparatedBy({ separators }: NumberGroups, count: number, separator: string | null): boolean {
  const wanted = separator ?? separators[1]
  for (let index = 1; index < count; index++) if (separators[index] !== wanted) return false
  return true
}

export const digitsOf = ({ groups }: NumberGroups, count: number): string => groups.slice(0, count).join('')
