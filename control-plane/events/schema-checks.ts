import type { z } from 'zod'

/** Of a length or of a number, both inclusive. */
export type Checks = { min: number; max: number; isInteger: boolean; patterns: RegExp[] }

/** @throws Error for a check that nothing here is known about */
export function checksOf(schema: { checks?: z.core.$ZodCheck<never>[] | undefined }): Checks {
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
