import { hasRepeatedKeys } from '@/lib/json'
import { parseJson, withoutEscapes } from '../../parse-json'
import { ADDRESS_TEXT, addressText, FILE_TEXT, fileText, headLength } from '../engine/coded-text'
import type { Skipped } from '../engine/policy'
import type { DeclaredTool, JsonPath, Part, Role, ToolCall } from '../engine/subject'
import { base64Bytes, isAddress, mayBeText, mediaOf } from './media'

/** A JSON body of some API shape, walked into what policies look at. */
export type Walked = {
  parts: readonly Part[]
  toolCalls: readonly ToolCall[]
  tools: readonly DeclaredTool[]
  /** What was left out, and why; belongs into `Subject.skipped`. */
  skipped: readonly Skipped[]
}

/** A body has more in it than a gateway looks through; it must be refused, because the rest would go unseen. */
export class WalkRefused extends Error {
  override readonly name = 'WalkRefused'
}

const PARTS_MAX = 20_000
/** UTF-16 units of all parts together. */
const UNITS_MAX = 32_000_000
const DEPTH_MAX = 64
const SKIPPED_MAX = 20
/** Base64 characters of a file that is read as text. */
const FILE_UNITS_MAX = 4_194_304
/** Keys of content whose values are no content: a redaction there would only break the document. */
const LABELS: ReadonlySet<string> = new Set(
  'type id call_id tool_call_id tool_use_id status role format signature'.split(' '),
)
const isIdentifier = (key: string, value: unknown) =>
  LABELS.has(key) && typeof value === 'string' && IDENTIFIER.test(value)
/** Not what could be somebody's address or number. */
const IDENTIFIER = /^(?![\d.-]{9,}$)[\w.:/+=|-]+$/
/** Says how to answer: a word of an API, or a number that it counts with. */
const SETTING = /^(?:[a-z][a-z0-9_./+-]{0,23}|\d{1,7})$/
const NO_NAMES: ReadonlySet<string> = new Set()
/** Words of JSON Schema itself, as keys and as values of `type`. */
const SCHEMA_WORDS: ReadonlySet<string> = new Set(
  (
    'type properties items required description title enum const default examples additionalProperties anyOf oneOf allOf ' +
    'not $ref $defs definitions format pattern minimum maximum minLength maxLength minItems maxItems uniqueItems strict ' +
    'object string number integer boolean array null date-time date time email uri uuid'
  ).split(' '),
)
/** Keys of a schema whose values a model may be meant to repeat. */
const SCHEMA_VALUES: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'example', 'examples'])

type PartKind = 'text' | 'label' | 'tool_arguments' | 'tool_result'

/** Where one piece of content stands. */
export type Place = { path: JsonPath; role: Role; message: number }

/** Collects parts within bounds. Whatever it is given is untrusted: what has an unexpected type is told, not trusted. */
export class Walk {
  readonly #parts: Part[] = []
  readonly #toolCalls: ToolCall[] = []
  readonly #tools: DeclaredTool[] = []
  readonly #skipped: Skipped[] = []
  #units = 0

  /** Empty texts and what is no string are no parts. */
  text(value: unknown, place: Place, kind: PartKind = 'text'): void {
    if (typeof value !== 'string' || value === '') return
    this.#count(value)
    this.#add({ ...place, kind, text: value, media: null })
  }

  media(kind: 'image' | 'audio' | 'file', media: Partial<NonNullable<Part['media']>>, place: Place): void {
    this.#add({ ...place, kind, text: '', media: { type: null, bytes: null, url: null, name: null, ...media } })
  }

  /**
   * An image or file with what can be read of it: the address it has, or its content when that is text.
   *
   * @param source where its address or content stands; base64 or an address
   * @param said what the request says about it beside that
   */
  attachment(
    kind: 'image' | 'file',
    value: unknown,
    source: Place,
    place: Place,
    said: { type?: string | null; name?: string | null } = {},
  ): void {
    const coded = textOrNull(value)
    if (coded === null) this.textIn(value, source, 'label')
    const name = said.name ?? null
    const isBare = coded !== null && headLength(coded) === -1 && !isAddress(coded)
    const known = isBare ? { type: said.type ?? null, bytes: base64Bytes(coded), data: coded } : mediaOf(coded)
    const isElsewhere = coded !== null && isAddress(coded)
    const text = coded === null || isElsewhere ? null : this.#fileText(coded, known.type, name, source)
    this.media(kind, { ...known, name, ...(text === null ? {} : { isRead: true as const }) }, place)
    if (isElsewhere) this.address(coded, source)
    else if (isBare && coded.includes(' ')) this.text(coded, source, 'label')
    else if (text !== null) this.text(text, at(source, FILE_TEXT), 'tool_result')
  }

  /** Of an address policies see what its escapes stand for. */
  address(value: string, place: Place): void {
    const text = addressText(value)
    if (text === value) this.text(value, place, 'label')
    else this.text(text, at(place, ADDRESS_TEXT), 'label')
  }

  /** Names and keys: read like all else, but nothing can be put in their place. */
  names(names: Iterable<string>, place: Place): void {
    const text = [...names].filter((name) => name !== '').join('\n')
    if (text === '') return
    this.#count(text)
    this.#add({ ...place, kind: 'label', text, isFixed: true, media: null })
  }

  /** What should be a text; of anything else that stands there, all the text it holds. */
  textIn(value: unknown, place: Place, kind: PartKind = 'text'): void {
    if (value !== undefined && value !== null) this.leaves(value, place, kind)
  }

  /** The same for fields of an object that most have not. */
  textsIn(fields: Readonly<Record<string, unknown>>, names: readonly string[], place: Place): void {
    for (const name of names) {
      const value = fields[name]
      if (value !== undefined && value !== null) this.leaves(value, at(place, name), 'text')
    }
  }

  /** Every string and number in a JSON value is a part of its own, and all its keys are one. Booleans and null are no text. */
  leaves(value: unknown, place: Place, kind: PartKind): void {
    if (typeof value !== 'object') this.#leaf(value, place, kind)
    else this.#leavesWithKeys(value, place, kind)
  }

  #leavesWithKeys(value: unknown, place: Place, kind: PartKind): void {
    const keys = new Set<string>()
    this.#leaf(value, place, kind, keys)
    this.names(keys, place)
  }

  #leaf(value: unknown, place: Place, kind: PartKind, keys = new Set<string>(), depth = 0): void {
    if (typeof value === 'string') this.text(value, place, kind)
    else if (typeof value === 'number') this.text(String(value), place, kind)
    else if (typeof value === 'object' && value !== null) {
      if (depth >= DEPTH_MAX) throw new WalkRefused(`nested deeper than ${DEPTH_MAX} levels`)
      if (Array.isArray(value)) {
        for (const [i, item] of value.entries()) this.#leaf(item, at(place, i), kind, keys, depth + 1)
        return
      }
      for (const [key, item] of Object.entries(value)) {
        keys.add(key)
        if (key === 'thought_signature' && isIdentifier('signature', item)) continue
        this.#leaf(item, at(place, key), kind, keys, depth + 1)
      }
    }
  }

  /** What is not known here is read for all the text it holds, but for what only links and labels it. */
  unknown(value: unknown, place: Place, kind: 'text' | 'tool_result'): void {
    if (typeof value !== 'object' || value === null) {
      this.leaves(value, place, kind)
      return
    }
    const isList = Array.isArray(value)
    const keys = new Set<string>()
    for (const [key, item] of Object.entries(value)) {
      if (isIdentifier(key, item)) continue
      const child = at(place, isList ? Number(key) : key)
      if (typeof item === 'object' && isList) this.unknown(item, child, kind)
      else {
        if (!isList) keys.add(key)
        this.#leaf(item, child, kind, keys)
      }
    }
    this.names(keys, place)
  }

  /**
   * Fields of an object that is known, but not by these names. A provider may read them nevertheless: because it knows
   * more than we do, or because it takes `Content` for `content`.
   *
   * @param settings fields that say how to answer rather than what about
   */
  rest(
    fields: Readonly<Record<string, unknown>>,
    known: ReadonlySet<string>,
    place: Place,
    kind: 'text' | 'label' = 'text',
    settings: ReadonlySet<string> = NO_NAMES,
  ): void {
    let keys: Set<string> | null = null
    for (const key in fields) {
      const value = fields[key]
      if (known.has(key) || isIdentifier(key, value) || value === null || typeof value === 'number') continue
      if (settings.has(key)) {
        if (typeof value !== 'boolean') this.setting(value, at(place, key))
        continue
      }
      keys ??= new Set()
      keys.add(key)
      this.#leaf(value, at(place, key), kind, keys)
    }
    if (keys !== null) this.names(keys, place)
  }

  /** Of what should be words of an API and numbers, whatever else it is. */
  setting(value: unknown, place: Place): void {
    const names = new Set<string>()
    this.#setting(value, place, names, 0)
    this.names(names, place)
  }

  #setting(value: unknown, place: Place, names: Set<string>, depth: number): void {
    if (typeof value === 'string') {
      if (!SETTING.test(value)) this.text(value, place, 'label')
    } else if (typeof value === 'object' && value !== null) {
      if (depth >= DEPTH_MAX) throw new WalkRefused(`nested deeper than ${DEPTH_MAX} levels`)
      const isList = Array.isArray(value)
      for (const [key, item] of Object.entries(value)) {
        if (!isList && !SETTING.test(key)) names.add(key)
        this.#setting(item, at(place, isList ? Number(key) : key), names, depth + 1)
      }
    }
  }

  /** The fields of an object; of anything else that stands in its place, all the text it holds. */
  fieldsIn(value: unknown, place: Place, kind: PartKind = 'text'): Readonly<Record<string, unknown>> {
    const fields = fieldsOf(value)
    if (fields !== value) this.textIn(value, place, kind)
    return fields
  }

  /** The objects of a list; of anything else that stands in its place, or among them, all the text it holds. */
  objectsIn(
    value: unknown,
    place: Place,
    visit: (fields: Readonly<Record<string, unknown>>, place: Place) => void,
    kind: PartKind = 'text',
  ): void {
    if (!Array.isArray(value)) {
      this.textIn(value, place, kind)
      return
    }
    for (const [i, item] of value.entries()) {
      if (typeof item === 'object' && item !== null && !Array.isArray(item)) visit(item, at(place, i))
      else this.textIn(item, at(place, i), kind)
    }
  }

  /** A call whose arguments travel as JSON text. What is no JSON, or only a value, is read as it stands. */
  callWithJson(id: unknown, name: unknown, json: unknown, place: Place): void {
    if (typeof json === 'object' && json !== null) {
      this.callWithValue(id, name, json, place)
      return
    }
    const text = typeof json === 'string' ? json : ''
    const value = jsonOf(text)
    // Whoever makes the call may read the other one of two values.
    const parsed = hasRepeatedKeys(text, value) ? undefined : value
    this.#call(id, name, text, parsed, place)
    if (typeof parsed === 'object' && parsed !== null) this.leaves(parsed, place, 'tool_arguments')
    else {
      this.text(text, place, 'tool_arguments')
      // Who reads it all the same reads its escapes, too.
      const plain = withoutEscapes(text)
      if (plain !== text) this.names([plain], place)
    }
  }

  /** A call whose arguments are part of the document. */
  callWithValue(id: unknown, name: unknown, value: unknown, place: Place): void {
    this.#call(id, name, value === undefined ? '' : JSON.stringify(value), value, place)
    this.leaves(value, place, 'tool_arguments')
  }

  tool(name: unknown, description: unknown, schema: unknown, place: Place = AROUND): void {
    this.textIn(description, at(place, 'description'))
    if (typeof name !== 'string') {
      this.textIn(name, at(place, 'name'))
      return
    }
    this.names([name], at(place, 'name'))
    if (this.#tools.length >= PARTS_MAX) throw new WalkRefused(`more than ${PARTS_MAX} tools`)
    this.#tools.push({
      name,
      description: typeof description === 'string' ? description : null,
      schema: schema ?? null,
    })
  }

  /**
   * What stands inside a JSON Schema: the model reads it, so it can carry instructions. Descriptions and titles are texts,
   * values that it may repeat are labels; names of fields and what only the schema refers to are fixed.
   */
  schemaTexts(schema: unknown, place: Place): void {
    if (typeof schema !== 'object') {
      this.textIn(schema, place, 'label')
      return
    }
    const names = new Set<string>()
    this.#schema(schema, place, names, 0)
    this.names(names, place)
  }

  #schema(schema: unknown, place: Place, names: Set<string>, depth: number): void {
    if (typeof schema !== 'object' || schema === null) return
    if (depth >= DEPTH_MAX) throw new WalkRefused(`nested deeper than ${DEPTH_MAX} levels`)
    const isList = Array.isArray(schema)
    for (const [key, value] of Object.entries(schema)) {
      const child = at(place, isList ? Number(key) : key)
      if (!isList && !SCHEMA_WORDS.has(key)) names.add(key)
      if (key === 'description' || key === 'title') {
        if (typeof value === 'string') this.text(value, child)
        else this.#schema(value, child, names, depth + 1)
      } else if (SCHEMA_VALUES.has(key)) this.#leaf(value, child, 'label', names, depth + 1)
      else if (typeof value !== 'string') this.#schema(value, child, names, depth + 1)
      else if (!SCHEMA_WORDS.has(value)) names.add(value)
    }
  }

  skip(what: string, why: string): void {
    if (this.#skipped.some((known) => known.what === what && known.why === why)) return
    if (this.#skipped.length < SKIPPED_MAX) this.#skipped.push({ what, why })
  }

  done(): Walked {
    return { parts: this.#parts, toolCalls: this.#toolCalls, tools: this.#tools, skipped: this.#skipped }
  }

  #call(id: unknown, name: unknown, text: string, parsed: unknown, place: Place): void {
    const { path } = place
    if (typeof name === 'string') this.names([name], place)
    else this.textIn(name, at({ ...place, path: path.slice(0, -1) }, 'name'))
    if (this.#toolCalls.length >= PARTS_MAX) throw new WalkRefused(`more than ${PARTS_MAX} tool calls`)
    this.#toolCalls.push({
      id: typeof id === 'string' ? id : null,
      name: typeof name === 'string' ? name : '',
      arguments: text,
      parsed,
      path,
    })
  }

  /** Null for what is no text, or too much of it. */
  #fileText(coded: string, type: string | null, name: string | null, place: Place): string | null {
    if (!mayBeText(coded.slice(headLength(coded) + 1), type, name)) return null
    if (coded.length > FILE_UNITS_MAX) {
      this.skip(`text of a file (message ${place.message})`, `over ${FILE_UNITS_MAX} characters of base64`)
      return null
    }
    return fileText(coded)
  }

  #count({ length }: string): void {
    this.#units += length
    if (this.#units > UNITS_MAX) throw new WalkRefused(`more than ${UNITS_MAX} characters of text`)
  }

  #add(part: Part): void {
    if (this.#parts.length >= PARTS_MAX) throw new WalkRefused(`more than ${PARTS_MAX} pieces of content`)
    this.#parts.push(part)
  }
}

export const at = (place: Place, ...keys: (string | number)[]): Place => ({ ...place, path: [...place.path, ...keys] })

export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : NO_FIELDS

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : NO_ITEMS)

export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const AROUND: Place = { path: ['tools'], role: 'system', message: -1 }
const NO_FIELDS: Readonly<Record<string, unknown>> = {}
const NO_ITEMS: readonly unknown[] = []

/** undefined when it is no JSON; how deep it is nested shows when its leaves are read. */
function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined // the tool gets what the model wrote; policies see the same
  }
}
