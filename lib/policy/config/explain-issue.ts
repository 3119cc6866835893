import { z } from 'zod'
import type { Diagnostic } from '@/lib/contract/configurations'
import { POLICY_KINDS } from '../kinds/all'
import { nearestName } from '../nearest-name'
import type { Path, readYaml } from '../yaml-source'

type Source = ReturnType<typeof readYaml>

/** What the schema found, said so that the author of the file understands it, at its place in the file. */
export function explainIssue(issue: z.core.$ZodIssue, schema: z.core.$ZodType, source: Source): Diagnostic[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...issue.path, key], schema, source))
  }
  if (issue.code === 'invalid_union') {
    // The first shape whose kind of value it is; what is wrong with the others does not matter then.
    const isOfType = (inner: z.core.$ZodIssue) => inner.code !== 'invalid_type' || inner.path.length > 0
    const first = issue.errors.find((issues) => issues.length > 0 && issues.every(isOfType))
    if (first) {
      return first.flatMap((inner) => explainIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema, source))
    }
  }
  const { path } = issue
  const value = valueAt(source.value, path)
  if (issue.code === 'invalid_type' && value === undefined) {
    const message = `The key "${String(path.at(-1) ?? 'pack')}" is missing.`
    return [source.locate(path, { severity: 'error', code: 'E007', message })]
  }
  const name = path.length > 0 ? `"${String(path.at(-1))}"` : 'The file'
  const message = `${name}: ${reasonOf(issue, value)}`.replace(/\.?$/, '.')
  const suggestion = issue.code === 'invalid_value' ? nearestName(String(value), issue.values.map(String)) : null
  const finding = { severity: 'error', code: 'E008', message, suggestion } as const
  return [issue.code === 'invalid_key' ? source.locateKey(path, finding) : source.locate(path, finding)]
}

/** A kind that is named but does not exist. */
export function unknownKind(kind: string): { code: string; message: string; suggestion: string | null } {
  const known = POLICY_KINDS.map((one) => one.kind)
  const message = `Unknown policy kind "${kind}". Known kinds: ${known.join(', ') || 'none'}.`
  return { code: 'E001', message, suggestion: nearestName(kind, known) }
}

function reasonOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}, found ${kindOf(value)}`
  if (issue.code === 'invalid_union') return `expected another form than ${kindOf(value)}`
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`
  return issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
}

function unknownKey(path: Path, schema: z.core.$ZodType, source: Source): Diagnostic {
  const key = String(path.at(-1))
  const parent = path.slice(0, -1)
  if (parent.length === 1 && parent[0] === 'policy') {
    return source.locateKey(path, { severity: 'error', ...unknownKind(key) })
  }
  const known = keysAt(schema, parent)
  const message = known.length > 0 ? `Unknown key "${key}". Valid keys: ${known.join(', ')}.` : `Unknown key "${key}".`
  return source.locateKey(path, { severity: 'error', code: 'E002', message, suggestion: nearestName(key, known) })
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, step) => (typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined),
    value,
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'number') return `the number ${value} (quote it if it is meant as text)`
  return `a ${typeof value}`
}

/** The keys that the schema knows at a place. */
function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  let at: z.core.$ZodType = schema
  for (const step of path) {
    const inner = bare(at)
    if (inner instanceof z.ZodObject) at = inner.shape[String(step)] ?? z.unknown()
    else if (inner instanceof z.ZodArray) at = inner.element
    else if (inner instanceof z.ZodRecord) at = inner.valueType
    else return []
  }
  const inner = bare(at)
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape)
  if (!(inner instanceof z.ZodUnion)) return []
  return [...new Set(inner.options.flatMap((option: z.core.$ZodType) => keysAt(option, [])))]
}

/** Without what only says that a value may be missing, or how it is changed once read. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return bare(schema.unwrap())
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return bare(schema.unwrap())
  return schema instanceof z.ZodPipe ? bare(schema.in) : schema
}
