import { z } from 'zod'
import { type Endpoint, pathNames } from '@/lib/contract/endpoint'

/** The parts of JSON Schema (2020-12) that the contract's inputs use. */
type JsonSchema = {
  type?: string
  format?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
  default?: unknown
  description?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
}

/** One input of an endpoint as a reader sees it. */
export type Field = {
  name: string
  /** Where it travels. */
  place: 'path' | 'query' | 'body'
  required: boolean
  /** Such as `text`, `list of text`, `whole number or null`. */
  type: string
  /** Closed list of values; empty when any value of the type will do. */
  values: string[]
  /** Bounds in words, such as `1 to 200`, and the default. */
  rules: string[]
  /** Regular expression that the text, or each text of a list, must match. */
  pattern: string | null
  /** What the contract says about it; null where the name says enough. */
  words: string | null
}

/** The inputs of an endpoint in the contract's order, those of the path first. */
export function fieldsOf(endpoint: Endpoint): Field[] {
  const { properties = {}, required = [] }: JsonSchema = z.toJSONSchema(endpoint.input, {
    io: 'input',
    unrepresentable: 'any',
  }) as JsonSchema
  const inPath = pathNames(endpoint.path)
  const rest = endpoint.method === 'GET' || endpoint.method === 'DELETE' ? 'query' : 'body'
  const fields = Object.entries(properties).map(([name, schema]) => ({
    name,
    place: inPath.includes(name) ? ('path' as const) : (rest as 'query' | 'body'),
    required: required.includes(name),
    ...wordsFor(schema),
  }))
  return fields.sort((a, b) => Number(b.place === 'path') - Number(a.place === 'path'))
}

/** What a schema says about its values, in words. */
function wordsFor(schema: JsonSchema): Omit<Field, 'name' | 'place' | 'required'> {
  const inner = essential(schema)
  const element = inner.items ? essential(inner.items) : undefined
  return {
    type: typeOf(schema),
    values: valuesOf(schema),
    rules: [
      ...rulesOf(inner),
      ...(element ? rulesOf(element).map((rule) => `each ${rule}`) : []),
      ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
    ],
    // The patterns of formats are longer than their names and say nothing more.
    pattern: patternOf(inner) ?? (element ? patternOf(element) : null),
    words: schema.description ?? null,
  }
}

/** Of alternatives the one that is not `null`: the others are in the type's words. */
const essential = (schema: JsonSchema): JsonSchema => schema.anyOf?.find(({ type }) => type !== 'null') ?? schema

const patternOf = ({ format, pattern }: JsonSchema) => (format === undefined ? (pattern ?? null) : null)

const TYPES: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  object: 'object',
  null: 'null',
}
const FORMATS: Record<string, string> = { 'date-time': 'RFC 3339 time', email: 'e-mail address' }

function typeOf(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  if (schema.enum) return 'one of'
  if (schema.type === 'array') return schema.items?.enum ? 'list, each one of' : `list of ${elementOf(schema.items)}`
  return FORMATS[schema.format ?? ''] ?? TYPES[schema.type ?? ''] ?? 'any JSON value'
}

const elementOf = (items: JsonSchema = {}) => (items.type ? typeOf(items) : 'objects')

function valuesOf({ enum: values, const: only, anyOf, items }: JsonSchema): string[] {
  if (values) return values.map(String)
  if (only !== undefined) return [String(only)]
  if (anyOf) return anyOf.flatMap(valuesOf)
  return items ? valuesOf(items) : []
}

function rulesOf({ minLength, maxLength, minimum, maximum, minItems, maxItems }: JsonSchema): string[] {
  return [
    range(minLength, maxLength, 'characters'),
    range(minimum, maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum, ''),
    range(minItems, maxItems, 'entries'),
  ].filter((rule) => rule !== null)
}

function range(min: number | undefined, max: number | undefined, unit: string): string | null {
  const words = (text: string) => (unit ? `${text} ${unit}` : text)
  if (min !== undefined && max !== undefined) return words(`${count(min)} to ${count(max)}`)
  if (max !== undefined) return words(`up to ${count(max)}`)
  return min === undefined ? null : words(`from ${count(min)}`)
}

const count = (value: number) => value.toLocaleString('en-US')
