import type { z } from 'zod'
import { type Checks, checksOf } from './schema-checks'

type Check = (value: unknown) => boolean

/**
 * Whether a schema takes a value and answers with the very same, found out without making another one of it: several times
 * as fast as the schema itself. Made from the schema, so that there is one contract (unchanged.test.ts holds both together).
 *
 * @throws Error for a schema that nothing here is known about
 */
export function unchangedBy(schema: z.core.$ZodType): Check {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object':
      return objectCheck(def)
    case 'array':
      return arrayCheck(unchangedBy(def.element), checksOf(def))
    case 'string':
      return textCheck(checksOf(def))
    case 'number':
      return numberCheck(checksOf(def))
    case 'boolean':
      return (value) => typeof value === 'boolean'
    case 'enum':
      return oneOf(Object.values(def.entries))
    case 'literal':
      return oneOf(def.values)
    case 'nullable': {
      const check = unchangedBy(def.innerType)
      return (value) => value === null || check(value)
    }
    // What is not there would be filled in, and that is a change.
    case 'default':
      return unchangedBy(def.innerType)
    default:
      throw new Error(`Nothing is known here about a schema of type ${def.type}.`)
  }
}

function objectCheck({ shape, catchall }: z.core.$ZodObjectDef): Check {
  if (catchall?._zod.def.type !== 'never') throw new Error('Only strict objects are known here.')
  const members = Object.entries(shape).map(([name, schema]) => ({ name, check: unchangedBy(schema) }))
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    const given = value as Record<string, unknown>
    // `undefined` is nothing that JSON could hold: whoever has all of these and no more has just these.
    for (const { name, check } of members) if (!check(given[name])) return false
    return Object.keys(given).length === members.length
  }
}

const arrayCheck =
  (check: Check, { max }: Checks): Check =>
  (value) =>
    Array.isArray(value) && value.length <= max && value.every(check)

const textCheck =
  ({ min, max, patterns }: Checks): Check =>
  (value) =>
    typeof value === 'string' &&
    value.length >= min &&
    value.length <= max &&
    patterns.every((pattern) => pattern.test(value))

const numberCheck =
  ({ min, max, isInteger }: Checks): Check =>
  (value) =>
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value >= min &&
    value <= max &&
    (!isInteger || Number.isSafeInteger(value))

function oneOf(values: readonly unknown[]): Check {
  const known = new Set(values)
  return (value) => known.has(value)
}
