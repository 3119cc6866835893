import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { RE2JS, RE2JSException } from 're2js'

/** What a JSON Schema in a configuration may be made of, so that neither it nor what it checks can run away. */
const BYTES_MAX = 65_536
const DEPTH_MAX = 32
const PATTERN_LENGTH_MAX = 500
const PATTERN_STEPS_MAX = 2_000
/** With every `$ref` written out. */
const NODES_MAX = 20_000
/** ajv compares every two objects of an array, so such arrays stay short. */
const UNIQUE_ITEMS_MAX = 1_000

const FORMATS = ['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uuid'] as const

export class ToolSchemaError extends Error {
  override readonly name = 'ToolSchemaError'
}

/** Says what is wrong with some arguments, without repeating them; null when they fit. */
export type ArgumentsCheck = (value: unknown) => string | null

/**
 * Compiles the JSON Schema (2020-12) of a tool's arguments. Only references within the schema, none of them recursive;
 * `pattern` is
 * RE2 syntax and takes linear time whatever it says.
 *
 * @throws ToolSchemaError for a schema that is invalid or out of bounds; its message says where
 */
export function compileToolSchema(schema: unknown): ArgumentsCheck {
  assertBounded(schema)
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allErrors: false, // stops at the first error, so that an array that is too long is not looked at any further
    ownProperties: true,
    logger: false,
    code: { regExp: linearPattern },
  })
  addFormats.default(ajv, { formats: [...FORMATS], mode: 'fast' })
  const validate = compiled(ajv, schema)
  return (value) => (validate(value) ? null : errorOf(validate))
}

function compiled(ajv: Ajv2020, schema: unknown): ValidateFunction {
  if (typeof schema === 'boolean') return ajv.compile(schema)
  const { $schema, ...rest } = schema as Record<string, unknown>
  try {
    return ajv.compile(rest)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.slice(0, 300) : 'not a JSON Schema'
    throw new ToolSchemaError(why, { cause })
  }
}

const linearPattern = Object.assign(
  (pattern: string) => {
    const compiledPattern = compilePattern(pattern)
    // ajv knows patterns apart by their string form alone.
    return { test: (text: string) => compiledPattern.test(text), toString: () => `linear:${pattern}` }
  },
  // ajv writes this into code that it generates for use elsewhere, which we never ask for.
  { code: 'linearPattern' },
)

/** Names of fields come from the caller, so only the place and the rule are told, and briefly. */
function errorOf({ errors }: ValidateFunction): string {
  const [error] = errors ?? []
  if (error === undefined) return 'they do not fit the schema'
  const missing = error.keyword === 'required' ? ` "${String(error.params.missingProperty).slice(0, 80)}"` : ''
  const place = error.instancePath === '' ? 'the arguments' : error.instancePath.slice(0, 100)
  return `${place} break${error.instancePath === '' ? '' : 's'} the rule "${error.keyword}"${missing}`
}

function assertBounded(schema: unknown): void {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema))) {
    throw new ToolSchemaError('must be an object')
  }
  assertDepth(schema, 0)
  if (JSON.stringify(schema).length > BYTES_MAX) throw new ToolSchemaError(`has more than ${BYTES_MAX} characters`)
  const sizes = new Map<unknown, number>()
  if (sizeOf(schema, schema, sizes, new Set()) > NODES_MAX) {
    throw new ToolSchemaError(`has more than ${NODES_MAX} parts once its references are written out`)
  }
}

function assertDepth(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > DEPTH_MAX) throw new ToolSchemaError(`is nested deeper than ${DEPTH_MAX} levels`)
  for (const field of Object.values(value)) assertDepth(field, depth + 1)
}

/** Counts what a validator would visit; references are followed as often as they are made. */
function sizeOf(
  value: unknown,
  root: unknown,
  sizes: Map<unknown, number>,
  above: Set<unknown>,
  isMap = false,
): number {
  if (typeof value !== 'object' || value === null) return 0
  const known = sizes.get(value)
  if (known !== undefined) return known
  if (above.has(value)) throw new ToolSchemaError('refers to itself, which is not supported')
  above.add(value)
  let size = 1
  if (!Array.isArray(value) && !isMap) assertKeywords(value)
  for (const [key, field] of Object.entries(value)) {
    if (!isMap && DATA_KEYWORDS.has(key)) continue
    if (!isMap && key === '$ref') size += sizeOf(target(String(field), root), root, sizes, above)
    size += sizeOf(field, root, sizes, above, !isMap && MAP_KEYWORDS.has(key))
    if (size > NODES_MAX) break
  }
  above.delete(value)
  sizes.set(value, size)
  return size
}

/** Their values are data, not schemas. */
const DATA_KEYWORDS = new Set(['const', 'enum', 'default', 'examples'])
/** Their values have schemas by names that the author chose. */
const MAP_KEYWORDS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

function assertKeywords(schema: object): void {
  for (const key of ['$id', '$dynamicRef', '$dynamicAnchor', '$anchor', '$async', '$vocabulary']) {
    if (Object.hasOwn(schema, key)) throw new ToolSchemaError(`"${key}" is not supported`)
  }
  const { pattern, uniqueItems, maxItems, patternProperties } = schema as Record<string, unknown>
  const patterns = typeof patternProperties === 'object' ? Object.keys(patternProperties ?? {}) : []
  if (typeof pattern === 'string') patterns.push(pattern)
  for (const source of patterns) compilePattern(source)
  if (uniqueItems === true && !(typeof maxItems === 'number' && maxItems <= UNIQUE_ITEMS_MAX)) {
    throw new ToolSchemaError(`"uniqueItems" needs a "maxItems" of at most ${UNIQUE_ITEMS_MAX}`)
  }
}

/** Not the engine's own compilePattern: a pattern of a schema may well match the empty text. */
function compilePattern(source: string): RE2JS {
  if (source.length > PATTERN_LENGTH_MAX) {
    throw new ToolSchemaError(`a "pattern" has more than ${PATTERN_LENGTH_MAX} characters`)
  }
  try {
    const pattern = RE2JS.compile(RE2JS.translateRegExp(source))
    if (pattern.re2().prog.inst.length <= PATTERN_STEPS_MAX) return pattern
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause
    throw new ToolSchemaError('a "pattern" cannot be used: it takes no look-around and no back-references', { cause })
  }
  throw new ToolSchemaError('a "pattern" repeats too much')
}

/** Where a reference leads. It must stay in the schema: `#` or a JSON Pointer behind it. */
function target(reference: string, root: unknown): unknown {
  if (reference !== '#' && !reference.startsWith('#/')) {
    throw new ToolSchemaError('a "$ref" must stay within the schema ("#/...")')
  }
  let at: unknown = root
  for (const step of reference.split('/').slice(1)) {
    const name = decodedStep(step)
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) {
      throw new ToolSchemaError('a "$ref" leads nowhere')
    }
    at = Reflect.get(at, name)
  }
  return at
}

function decodedStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch (cause) {
    throw new ToolSchemaError('a "$ref" is not a JSON Pointer', { cause })
  }
}
