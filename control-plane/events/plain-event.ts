import type { z } from 'zod'
import { GatewayEvent } from '@/lib/contract/events'
import type { PreparedLine } from './line'

/** The canonical text of a value that its schema takes as it is; '' for every other one. */
type Writer = (value: unknown) => string
type Member = { name: string; start: string; write: Writer }

/** How many names of objects were written since this was last set to 0. */
let written = 0

/**
 * Checks an event and writes its canonical line in one walk. Nearly every event is one that its schema takes without a
 * change, and finding that out with the schema and writing it after that costs several times as much. The writers are made
 * from the schema, so that there is one contract; plain-event.test.ts holds both together.
 *
 * @param names how many names the event's text has: more than were written say that one is unknown or given twice
 * @returns null for an event that only the schema can judge
 */
export function plainLine(given: unknown, names: number, orgId: string): PreparedLine | null {
  if (typeof given !== 'object' || given === null) return null
  written = 0
  const first = writeMembers(given, BEFORE_ORG_ID)
  const second = writeMembers(given, BEFORE_RECORDED_AT)
  const third = writeMembers(given, BEFORE_SEQ)
  const fourth = writeMembers(given, AFTER_SEQ)
  if (first === '' || second === '' || third === '' || fourth === '' || written !== names) return null
  return {
    head: `{${first},"org_id":${JSON.stringify(orgId)},${second},"recorded_at":"`,
    middle: `",${third},"seq":`,
    tail: `,${fourth}}`,
  }
}

/** @returns '' when one of them is not as its schema wants it */
function writeMembers(object: object, members: readonly Member[]): string {
  let text = ''
  for (const { name, start, write } of members) {
    const value = write((object as Record<string, unknown>)[name])
    if (value === '') return ''
    text += text === '' ? start : `,${start}`
    text += value
  }
  written += members.length
  return text
}

/** @throws Error for a schema that nothing here is known about, when this module is loaded */
function writerOf(schema: z.core.$ZodType): Writer {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object':
      return objectWriter(def)
    case 'array':
      return arrayWriter(writerOf(def.element), checksOf(def))
    case 'string':
      return textWriter(checksOf(def))
    case 'number':
      return numberWriter(checksOf(def))
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? String(value) : '')
    case 'enum':
      return oneOf(Object.values(def.entries))
    case 'literal':
      return oneOf(def.values)
    case 'nullable': {
      const write = writerOf(def.innerType)
      return (value) => (value === null ? 'null' : write(value))
    }
    case 'default':
      return writerOf(def.innerType)
    default:
      throw new Error(`Nothing is known here about a schema of type ${def.type}.`)
  }
}

function objectWriter({ shape, catchall }: z.core.$ZodObjectDef): Writer {
  if (catchall?._zod.def.type !== 'never') throw new Error('Only strict objects are known here.')
  const members = membersOf(shape)
  return (value) => {
    if (typeof value !== 'object' || value === null) return ''
    const text = writeMembers(value, members)
    return text === '' ? '' : `{${text}}`
  }
}

const membersOf = (shape: z.core.$ZodShape): Member[] =>
  Object.entries(shape)
    .map(([name, schema]) => ({ name, start: `${JSON.stringify(name)}:`, write: writerOf(schema) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

const arrayWriter =
  (write: Writer, { max }: Checks): Writer =>
  (value) => {
    if (!Array.isArray(value) || value.length > max) return ''
    let text = ''
    for (const item of value) {
      const one = write(item)
      if (one === '') return ''
      text += text === '' ? one : `,${one}`
    }
    return `[${text}]`
  }

const textWriter =
  ({ min, max, patterns }: Checks): Writer =>
  (value) => {
    if (typeof value !== 'string' || value.length < min || value.length > max) return ''
    for (const pattern of patterns) if (!pattern.test(value)) return ''
    return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)
  }

/** Nothing in it that JSON has to escape. */
const PLAIN = /^[ !#-[\]-~]*$/

const numberWriter =
  ({ min, max, isInteger }: Checks): Writer =>
  (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) return ''
    // As JSON.stringify does, which has no -0.
    return isInteger && !Number.isSafeInteger(value) ? '' : String(value)
  }

function oneOf(values: readonly unknown[]): Writer {
  const texts = new Map(values.map((value) => [value, JSON.stringify(value)]))
  return (value) => texts.get(value) ?? ''
}

/** Of a length or of a number, both inclusive. */
type Checks = { min: number; max: number; isInteger: boolean; patterns: RegExp[] }

function checksOf(schema: { checks?: z.core.$ZodCheck<never>[] | undefined }): Checks {
  const checks: Checks = {
    min: Number.NEGATIVE_INFINITY,
    max: Number.POSITIVE_INFINITY,
    isInteger: false,
    patterns: [],
  }
  // A schema of a format, such as a time, is a check of itself.
  const all = [schema, ...(schema.checks ?? []).map((check) => check._zod.def)] as z.core.$ZodChecks['_zod']['def'][]
  for (const def of all) {
    switch (def.check) {
      case undefined:
        break
      case 'min_length':
        checks.min = Math.max(checks.min, def.minimum)
        break
      case 'max_length':
        checks.max = Math.min(checks.max, def.maximum)
        break
      case 'greater_than':
        if (!def.inclusive) throw new Error('Only inclusive bounds are known here.')
        checks.min = Math.max(checks.min, Number(def.value))
        break
      case 'less_than':
        if (!def.inclusive) throw new Error('Only inclusive bounds are known here.')
        checks.max = Math.min(checks.max, Number(def.value))
        break
      case 'number_format':
        if (def.format !== 'safeint') throw new Error(`Nothing is known here about numbers of format ${def.format}.`)
        checks.isInteger = true
        break
      case 'string_format': {
        const { pattern } = def as z.core.$ZodCheckStringFormatDef
        if (pattern === undefined) throw new Error(`Nothing is known here about texts of format ${def.format}.`)
        checks.patterns.push(pattern)
        break
      }
      default:
        throw new Error(`Nothing is known here about a check of ${def.check}.`)
    }
  }
  return checks
}

const MEMBERS = membersOf(GatewayEvent.shape)
const BEFORE_ORG_ID = MEMBERS.filter(({ name }) => name < 'org_id')
const BEFORE_RECORDED_AT = MEMBERS.filter(({ name }) => name > 'org_id' && name < 'recorded_at')
const BEFORE_SEQ = MEMBERS.filter(({ name }) => name > 'recorded_at' && name < 'seq')
const AFTER_SEQ = MEMBERS.filter(({ name }) => name > 'seq')
