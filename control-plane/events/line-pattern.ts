import type { z } from 'zod'
import { type Checks, checksOf } from './schema-checks'

/**
 * Matches canonical JSON (RFC 8785) of values that a schema takes and answers with unchanged. Not of all of them: what has an
 * escape, an exponent or a number beyond fifteen digits is left to the schema, and so is whatever else a pattern cannot say.
 * To look at a line in this way takes a tenth of the time that it takes to read it. Made from the schema, so that there is one
 * contract (event-json.test.ts holds both together). Nothing in it can match the same text in two ways.
 *
 * @throws Error for a schema that nothing here is known about
 */
export const linePattern = (schema: z.core.$ZodType): RegExp => new RegExp(`^${patternOf(schema)}$`)

function patternOf(schema: z.core.$ZodType): string {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object':
      return objectPattern(def)
    case 'array': {
      const item = patternOf(def.element)
      return `\\[(?:${item}(?:,${item}){0,${checksOf(def).max - 1}})?\\]`
    }
    case 'string':
      return textPattern(checksOf(def))
    case 'number':
      return numberPattern(checksOf(def))
    case 'boolean':
      return '(?:true|false)'
    case 'enum':
      return oneOf(Object.values(def.entries))
    case 'literal':
      return oneOf(def.values)
    case 'nullable':
      return `(?:null|${patternOf(def.innerType)})`
    // What is not there would be filled in, and that is a change.
    case 'default':
      return patternOf(def.innerType)
    default:
      throw new Error(`Nothing is known here about a schema of type ${def.type}.`)
  }
}

function objectPattern({ shape, catchall }: z.core.$ZodObjectDef): string {
  if (catchall?._zod.def.type !== 'never') throw new Error('Only strict objects are known here.')
  const members = Object.entries(shape).sort(([a], [b]) => (a < b ? -1 : 1))
  const parts = members.map(([name, member], at) => {
    const { def } = (member as z.core.$ZodTypes)._zod
    const isLast = at === members.length - 1
    if (def.type !== 'optional') return `${literal(name)}:${patternOf(member)}${isLast ? '' : ','}`
    // Each brings the comma behind it, so there has to be something behind it.
    if (isLast) throw new Error(`Nothing is known here about ${name}, which is last and need not be there.`)
    return `(?:${literal(name)}:${patternOf(def.innerType)},)?`
  })
  return `\\{${parts.join('')}\\}`
}

function textPattern({ min, max, patterns }: Checks): string {
  const bounds = `{${Math.max(min, 0)},${Number.isFinite(max) ? max : ''}}`
  const plain = `[^"\\\\\\u0000-\\u001f]${bounds}`
  const conditions = patterns.map(({ source, flags }) => {
    const inner = /^\^(.*)\$$/.exec(source)?.[1]
    if (inner === undefined || flags !== '') throw new Error(`Nothing is known here about the pattern ${source}.`)
    return `(?=(?:${inner})")`
  })
  return `"${conditions.join('')}${plain}"`
}

function numberPattern({ min, max, isInteger }: Checks): string {
  const sign = min < 0 ? '-?' : ''
  if (isInteger && min === 100 && max === 599) return '[1-5]\\d\\d'
  const isBounded = (min !== 0 && Number.isFinite(min) && min > -1e15) || (Number.isFinite(max) && max < 1e15)
  // Never matches.
  if (isBounded) return '(?!)'
  // -0 is not how canonical JSON writes it.
  const whole = `(?:0|${sign}[1-9]\\d{0,14})`
  return isInteger ? whole : `(?:${whole}|${sign}(?:0|[1-9]\\d{0,14})\\.\\d{0,14}[1-9])`
}

const oneOf = (values: readonly unknown[]): string => `(?:${values.map((value) => literal(value)).join('|')})`

const literal = (value: unknown): string => JSON.stringify(value).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
