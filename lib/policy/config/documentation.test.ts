import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type JsonSchema, policyConfigJsonSchema } from '../json-schema'
import { POLICY_KINDS } from '../kinds/all'

const DOCS = join(import.meta.dirname, '../../../docs')
const KINDS = join(import.meta.dirname, '../kinds')
const schema = policyConfigJsonSchema()

type Row = { path: string; type: string; fallback: string; meaning: string }

/** One row per key, in the order of the schema. */
function rowsOf(at: JsonSchema, path: string): Row[] {
  const required = new Set(at.required ?? [])
  const own = Object.entries(at.properties ?? {}).flatMap(([key, inner]) => {
    const name = path ? `${path}.${key}` : key
    return [rowOf(name, inner, required.has(key)), ...below(inner, name)]
  })
  return own
}

function below(schema: JsonSchema, path: string): JsonRows {
  if (schema.items) return below(schema.items, `${path}[]`)
  if (typeof schema.additionalProperties === 'object') return below(schema.additionalProperties, `${path}.<name>`)
  const branches = schema.anyOf ?? schema.oneOf
  return branches ? branches.flatMap((branch) => below(branch, path)) : rowsOf(schema, path)
}
type JsonRows = Row[]

const rowOf = (path: string, schema: JsonSchema, isRequired: boolean): Row => ({
  path,
  type: typeOf(schema),
  fallback: isRequired ? '**required**' : defaultOf(schema),
  meaning: schema.description ?? '',
})

function typeOf(schema: JsonSchema): string {
  const branches = schema.anyOf ?? schema.oneOf
  if (branches) return [...new Set(branches.map(typeOf))].join(' or ')
  // The kinds have a page of their own.
  if (schema.enum && schema.enum.length > 15) return '[kinds](policies.md)'
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'values'}`
  if (schema.type === 'object') return 'map'
  const { minimum, maximum } = schema
  const bounds = [
    minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `≥ ${minimum}` : '',
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `≤ ${maximum}` : '',
  ]
  return [String(schema.type ?? 'any'), ...bounds].filter(Boolean).join(' ')
}

function defaultOf(schema: JsonSchema): string {
  const { default: value } = schema
  if (value === undefined || (typeof value === 'object' && JSON.stringify(value) === '{}')) return ''
  return `\`${JSON.stringify(value)}\``
}

const cell = (text: string) => text.replaceAll('|', '\\|')

function table(rows: readonly Row[]): string[] {
  const lines = rows.map(({ path, type, fallback, meaning }) =>
    `| \`${path}\` | ${cell(type)} | ${cell(fallback)} | ${cell(meaning)} |`.replaceAll(/ {2,}/g, ' '),
  )
  return ['| key | type | default | meaning |', '|---|---|---|---|', ...lines]
}

function configurationKeys(): string {
  const sections = Object.entries(schema.properties ?? {}).map(([key, inner]) => {
    const rows = key === 'policy' ? [] : below(inner, key)
    const isRequired = schema.required?.includes(key)
    return [
      `### \`${key}\`${isRequired ? ' (required)' : ''}`,
      '',
      inner.description ?? '',
      ...(key === 'policy' ? ['Its keys: [policies](policies.md).'] : []),
      '',
      ...(rows.length > 0 ? table(rows) : []),
    ].join('\n')
  })
  return sections.join('\n\n')
}

const PHASES = { input: 'requests', tool: 'tool calls', output: 'answers' } as const

/** Every string in the source of a kind, and of the modules beside it that it builds on, that reads as a reason. */
function reasonsOf(kind: string): string[] {
  const file = readdirSync(KINDS).find((name) => name === `${kind}.ts`)
  const source = file ? readFileSync(join(KINDS, file), 'utf8') : ''
  const whole = [...source.matchAll(/['`]([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)['`]/g)].map((match) => match[1] ?? '')
  const composed = [...source.matchAll(/`([a-z][a-z0-9_]*)\.\$\{[a-z.]*?(\w+)\}`/g)].map(
    ([, of, what]) => `${of}.<${what}>`,
  )
  return [...new Set([...whole.filter((text) => !NOT_REASONS.has(text)), ...composed])].sort()
}

/** Looks like a reason and is the name of a crawler. */
const NOT_REASONS = new Set(['archive.org_bot'])

function policyReference(): string {
  const sections = POLICY_KINDS.map(({ kind, summary, phases, needsBlock, version }) => {
    const block = schema.properties?.policy?.properties?.[kind]
    const rows = block ? below(block, '') : []
    const looks = phases.map((phase) => PHASES[phase]).join(', ')
    const reasons = reasonsOf(kind)
    return [
      `### \`${kind}\``,
      '',
      summary,
      '',
      `Looks at: ${looks}. Block under \`policy\`: ${needsBlock ? 'required' : 'optional'}. Version of its rules: ${version}.`,
      ...(reasons.length > 0
        ? ['', `Reasons, rules and flags: ${reasons.map((code) => `\`${code}\``).join(', ')}.`]
        : []),
      '',
      ...(rows.length > 0 ? table(rows) : []),
    ].join('\n')
  })
  return sections.join('\n\n')
}

test.each([
  ['configuration.md', configurationKeys],
  ['policies.md', policyReference],
])('docs/%s says what the schema says (`npx vitest run lib/policy/config -u` writes it)', async (file, make) => {
  const path = join(DOCS, file)
  const current = readFileSync(path, 'utf8')
  const begin = '<!-- made from the schema -->\n'
  const end = '\n<!-- end -->'
  const [before, rest] = current.split(begin)
  const after = rest?.slice(rest.indexOf(end))
  expect(after).toBeDefined()
  await expect(`${before}${begin}\n${make()}\n${after}`).toMatchFileSnapshot(path)
})

test('every key has a meaning and every kind says what it does', () => {
  const keys = Object.entries(schema.properties ?? {}).flatMap(([key, inner]) =>
    key === 'policy' ? [] : below(inner, key),
  )
  expect(keys.length).toBeGreaterThan(80)
  expect(keys.filter(({ meaning }) => meaning === '').map(({ path }) => path)).toEqual([])
  expect(POLICY_KINDS.filter(({ summary }) => !/^[A-Z].*\.$/.test(summary)).map(({ kind }) => kind)).toEqual([])
})
