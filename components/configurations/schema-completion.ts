import type { JsonSchema } from '@/lib/policy/json-schema'

/** What may be written at a place, with what it means. */
export type Offer = { label: string; insert: string; detail: string; info: string; isKey: boolean }

/** A place in a YAML file that is being written, so that it need not be readable yet. `*` stands for a place in a list. */
export type Place = { path: string[]; from: number; kind: 'key' | 'value' }

const LINES_MAX = 5_000

/** What the schema allows at `offset`: keys of the map that is open there, or values of the key before it. */
export function offersAt(text: string, offset: number, schema: JsonSchema): { from: number; offers: Offer[] } | null {
  const place = placeAt(text, offset)
  if (!place) return null
  const schemas = schemasAt(schema, place.path)
  const offers = place.kind === 'key' ? [...keysOf(schemas), ...valuesOf(schemas)] : valuesOf(schemas)
  const seen = new Set<string>()
  const unique = offers.filter(({ label }) => !seen.has(label) && seen.add(label))
  return unique.length > 0 ? { from: place.from, offers: unique } : null
}

/** What the key under `offset` means; null where there is none. */
export function meaningAt(
  text: string,
  offset: number,
  schema: JsonSchema,
): { from: number; to: number; text: string } | null {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const line = text.slice(start, endOfLine(text, offset))
  const match = /^(\s*(?:- +)*)([\w.-]+)(:|$)/.exec(line)
  const [, lead = '', word = '', colon] = match ?? []
  const [from, to] = [start + lead.length, start + lead.length + word.length]
  if (!match || offset < from || offset > to) return null
  const place = placeAt(text, from)
  if (!place) return null
  const path = colon ? [...place.path, word] : place.path
  const [found] = schemasAt(schema, path)
  const described = colon ? found : undefined
  // A kind in a chain is explained by its own block.
  const kind = colon ? undefined : schema.properties?.policy?.properties?.[word]
  const said = (described ?? kind)?.description
  if (!said) return null
  const detail = described ? detailOf(described) : ''
  return { from, to, text: detail ? `${said}\n${detail}` : said }
}

/** Where in the file an offset is, from indentation alone. */
export function placeAt(text: string, offset: number): Place | null {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const before = text.slice(start, offset)
  const [lead = ''] = /^\s*(?:- +)*/.exec(before) ?? []
  const rest = before.slice(lead.length)
  const dash = lead.indexOf('-')
  const isItem = dash >= 0
  const outer = parentsOf(text.slice(0, start), isItem ? dash : lead.length, isItem)
  const path = isItem ? [...outer, '*'] : outer
  if (/^[\w.-]*$/.test(rest)) return { path, from: offset - rest.length, kind: 'key' }
  const flow = /^([\w.-]+):\s*\[(?:[^\]]*,)?\s*([\w.-]*)$/.exec(rest)
  if (flow) return { path: [...path, flow[1] ?? '', '*'], from: offset - (flow[2] ?? '').length, kind: 'value' }
  const value = /^([\w.-]+):\s+([\w.-]*)$/.exec(rest)
  return value ? { path: [...path, value[1] ?? ''], from: offset - (value[2] ?? '').length, kind: 'value' } : null
}

/** The keys around a line that is indented by `column`, outermost first. */
function parentsOf(above: string, column: number, isItem: boolean): string[] {
  const path: string[] = []
  const lines = above.split('\n').slice(-LINES_MAX)
  // A list may stand as deep as its key, or deeper.
  let [limit, belowDash] = [column, isItem]
  for (let at = lines.length - 1; at >= 0 && (limit > 0 || belowDash); at--) {
    const match = /^(\s*)((?:- +)*)([\w.-]+):(?:\s|$)/.exec(lines[at] ?? '')
    const [, spaces = '', dashes = '', key = ''] = match ?? []
    if (!match) continue
    const keyColumn = spaces.length + dashes.length
    const isParent = keyColumn < limit || (belowDash && dashes === '' && keyColumn === limit)
    if (isParent && !(dashes !== '' && keyColumn === limit)) {
      path.unshift(key)
      limit = keyColumn
      belowDash = false
    }
    // The first key of an item opens the item that the others belong to.
    if (dashes !== '' && keyColumn === limit) {
      path.unshift('*')
      limit = spaces.length
      belowDash = true
    }
  }
  return path
}

function schemasAt(schema: JsonSchema, path: readonly string[]): JsonSchema[] {
  return path.reduce<JsonSchema[]>((at, step) => at.flatMap((one) => inside(one, step)), branchesOf(schema))
}

function inside(schema: JsonSchema, step: string): JsonSchema[] {
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  const own = schema.properties && Object.hasOwn(schema.properties, step) ? schema.properties[step] : undefined
  const next = step === '*' ? schema.items : (own ?? more)
  return next ? branchesOf(next) : []
}

/** A value may have one of several shapes. What they have in common is said once, outside of them. */
function branchesOf(schema: JsonSchema): JsonSchema[] {
  const branches = schema.anyOf ?? schema.oneOf
  if (!branches) return [schema]
  return branches.flatMap(branchesOf).map((branch) => ({ description: schema.description, ...branch }))
}

const keysOf = (schemas: readonly JsonSchema[]): Offer[] =>
  schemas.flatMap(({ properties = {} }) =>
    Object.entries(properties).map(([label, schema]) => ({
      label,
      insert: `${label}: `,
      detail: detailOf(schema),
      info: schema.description ?? '',
      isKey: true,
    })),
  )

const valuesOf = (schemas: readonly JsonSchema[]): Offer[] =>
  schemas.flatMap((schema) => {
    const values = schema.enum ?? (schema.const === undefined ? booleans(schema) : [schema.const])
    return values.map((value) => ({
      label: String(value),
      insert: String(value),
      detail: value === schema.default ? 'default' : '',
      info: schema.description ?? '',
      isKey: false,
    }))
  })

const booleans = ({ type }: JsonSchema): unknown[] => (type === 'boolean' ? [true, false] : [])

/** `integer, default 10`. */
function detailOf(schema: JsonSchema): string {
  const type = schema.enum ? schema.enum.map(String).join(' | ') : [schema.type ?? ''].flat().join(' | ')
  const isPlain = schema.default !== undefined && typeof schema.default !== 'object'
  return [type, isPlain ? `default ${String(schema.default)}` : ''].filter(Boolean).join(', ')
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end < 0 ? text.length : end
}
