type Fields = Record<string, unknown>

const COUNTS: ReadonlySet<string> = new Set(
  'minItems maxItems minLength maxLength minProperties maxProperties'.split(' '),
)
/** Deeper ones are refused by whoever looks through them. */
const DEPTH_MAX = 64

/**
 * Google's own `Schema`, a part of OpenAPI 3.0 with types in capitals and counts as texts, as JSON Schema. What is JSON Schema
 * already stays as it is. Source: ai.google.dev/api/caching#Schema.
 */
export function jsonSchemaOf(schema: unknown, depth = 0): unknown {
  if (typeof schema !== 'object' || schema === null || depth > DEPTH_MAX) return schema
  if (Array.isArray(schema)) return schema.map((item) => jsonSchemaOf(item, depth + 1))
  const read = Object.entries(schema).flatMap(([name, value]): [string, unknown][] => {
    const key = NAMES[name] ?? name
    if (key === 'propertyOrdering' || key === 'nullable' || (key === 'format' && value === 'enum')) return []
    if (key === 'type') return value === 'TYPE_UNSPECIFIED' ? [] : [[key, typeOf(value)]]
    if (COUNTS.has(key)) return [[key, countOf(value)]]
    if (key === 'properties' || key === '$defs') return [[key, mapped(value, depth)]]
    return [[key, NESTED.has(key) ? jsonSchemaOf(value, depth + 1) : value]]
  })
  const own = Object.fromEntries(read)
  return (schema as Fields).nullable === true ? nullable(own) : own
}

/** As ProtoJSON has them, too. */
const NAMES: Readonly<Record<string, string>> = {
  any_of: 'anyOf',
  min_items: 'minItems',
  max_items: 'maxItems',
  min_length: 'minLength',
  max_length: 'maxLength',
  min_properties: 'minProperties',
  max_properties: 'maxProperties',
  property_ordering: 'propertyOrdering',
  additional_properties: 'additionalProperties',
}
const NESTED = new Set(['items', 'anyOf', 'oneOf', 'allOf', 'not', 'additionalProperties', 'prefixItems'])

const typeOf = (type: unknown) => (typeof type === 'string' && /^[A-Z]+$/.test(type) ? type.toLowerCase() : type)

const countOf = (value: unknown) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value)

function mapped(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonSchemaOf(item, depth + 1)]))
}

function nullable(schema: Fields): Fields {
  const { type, enum: choices } = schema
  if (typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] }
  return { ...schema, type: [type, 'null'], ...(Array.isArray(choices) ? { enum: [...choices, null] } : {}) }
}
