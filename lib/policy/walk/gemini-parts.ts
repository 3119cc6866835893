import { camelCase } from '../../google-names'
import { base64Bytes, isAddress } from './media'
import { at, type Place, textOrNull, type Walk } from './walked'

type Fields = Readonly<Record<string, unknown>>
type Kind = 'text' | 'tool_result'

/** Words that Google's API defines, such as `BLOCK_NONE`. */
const WORD = /^[A-Z][A-Z0-9_]{0,47}$/
const SIGNATURE = /^[\w+/=-]+$/
const NOTHING_KNOWN: ReadonlySet<string> = new Set()
const CONTENT_SETTINGS: ReadonlySet<string> = new Set()
const MEDIA_SETTINGS = new Set(['startOffset', 'endOffset', 'fps', 'level'])
const KEPT_FILE = /\/v1(?:beta|alpha)?\/files\/|^gs:/i

/** A turn of a conversation: `{role, parts}`. */
export function walkContent(walk: Walk, content: Fields, place: Place, kind: Kind): void {
  for (const [key, value] of Object.entries(content)) {
    if (key === 'parts') walkParts(walk, value, at(place, key), kind)
    else if (key !== 'role' || typeof value !== 'string' || !/^[a-z]{1,16}$/.test(value)) {
      walk.rest({ [key]: value }, NOTHING_KNOWN, place, 'text', CONTENT_SETTINGS)
    }
  }
}

function walkParts(walk: Walk, parts: unknown, place: Place, kind: Kind): void {
  walk.objectsIn(parts, place, (part, here) => walkPart(walk, part, here, kind), kind)
}

function walkPart(walk: Walk, part: Fields, place: Place, kind: Kind): void {
  for (const [key, value] of Object.entries(part)) {
    const here = at(place, key)
    switch (camelCase(key)) {
      case 'text':
        walk.textIn(value, here, kind)
        break
      case 'thought':
        if (typeof value !== 'boolean') walk.textIn(value, here, kind)
        break
      case 'thoughtSignature':
        if (typeof value !== 'string' || !SIGNATURE.test(value)) walk.textIn(value, here, kind)
        break
      case 'inlineData':
        walkBlob(walk, value, here)
        break
      case 'fileData':
        walkFile(walk, value, here)
        break
      case 'functionCall':
        walkCall(walk, value, at({ ...place, role: 'assistant' }, key))
        break
      case 'functionResponse':
        walkResult(walk, value, at({ ...place, role: 'tool' }, key))
        break
      case 'executableCode':
        walkSettings(walk, value, here, LANGUAGE, kind)
        break
      case 'codeExecutionResult':
        walkSettings(walk, value, { ...here, role: 'tool' }, OUTCOME, 'tool_result')
        break
      case 'videoMetadata':
      case 'mediaResolution':
        walkSettings(walk, value, here, MEDIA_SETTINGS)
        break
      default:
        walk.rest({ [key]: value }, NOTHING_KNOWN, place)
    }
  }
}

const LANGUAGE = new Set(['language', 'id'])
const OUTCOME = new Set(['outcome', 'id'])

/**
 * Words of Google's API and numbers under known names; whatever else stands there is read.
 *
 * @param known names as Google writes them
 */
export function walkSettings(
  walk: Walk,
  value: unknown,
  place: Place,
  known: ReadonlySet<string>,
  kind: Kind | 'label' = 'label',
): void {
  for (const [key, item] of Object.entries(walk.fieldsIn(value, place, kind))) {
    const here = at(place, key)
    const isKnown = known.has(camelCase(key))
    if (item === null || typeof item === 'boolean' || (isKnown && typeof item === 'number')) continue
    if (isKnown && typeof item === 'string' && WORD.test(item)) continue
    if (isKnown) walk.setting(item, here)
    else if (typeof item === 'string' || kind !== 'label') walk.textIn(item, here, kind)
    else walk.rest({ [key]: item }, NOTHING_KNOWN, place, 'label')
  }
}

function walkBlob(walk: Walk, value: unknown, place: Place): void {
  const blob = walk.fieldsIn(value, place, 'label')
  const named = byName(blob)
  const type = textOrNull(named.get('mimeType')?.[1])
  const name = textOrNull(named.get('displayName')?.[1])
  const [key, data] = named.get('data') ?? ['data', undefined]
  if (type?.startsWith('audio/') && typeof data === 'string' && !isAddress(data)) {
    walk.media('audio', { type, bytes: base64Bytes(data) }, place)
  } else walk.attachment(kindOf(type), data, at(place, key), place, { type, name })
  walkMediaRest(walk, blob, key, place)
}

function walkFile(walk: Walk, value: unknown, place: Place): void {
  const file = walk.fieldsIn(value, place, 'label')
  const named = byName(file)
  const type = textOrNull(named.get('mimeType')?.[1])
  const [key, uri] = named.get('fileUri') ?? ['fileUri', undefined]
  if (typeof uri === 'string' && KEPT_FILE.test(uri)) walk.skip('file_id', 'kept by the provider')
  walk.attachment(kindOf(type), uri, at(place, key), place, { type, name: textOrNull(named.get('displayName')?.[1]) })
  walkMediaRest(walk, file, key, place)
}

function walkMediaRest(walk: Walk, fields: Fields, content: string, place: Place): void {
  for (const [key, value] of Object.entries(fields)) {
    const isType = camelCase(key) === 'mimeType' && typeof value === 'string' && /^[\w.+/-]+$/.test(value)
    if (key === content || isType) continue
    walk.textIn(value, at(place, key), 'label')
  }
}

const kindOf = (type: string | null) => (type?.startsWith('image/') ? 'image' : 'file')

function walkCall(walk: Walk, value: unknown, place: Place): void {
  const call = walk.fieldsIn(value, place)
  walk.callWithValue(call.id, call.name, call.args, at(place, 'args'))
  walk.rest(call, CALL_FIELDS, place)
}

function walkResult(walk: Walk, value: unknown, place: Place): void {
  const result = walk.fieldsIn(value, place, 'tool_result')
  if (typeof result.name === 'string') walk.names([result.name], at(place, 'name'))
  else walk.textIn(result.name, at(place, 'name'))
  walk.textIn(result.response, at(place, 'response'), 'tool_result')
  walkParts(walk, result.parts, at(place, 'parts'), 'tool_result')
  walk.rest(result, RESULT_FIELDS, place)
}

const CALL_FIELDS = new Set(['name', 'args'])
const RESULT_FIELDS = new Set(['name', 'response', 'parts'])

/** Fields by the names that Google writes, with those that the caller wrote. Of one in both, nobody knows which counts. */
function byName(fields: Fields): ReadonlyMap<string, [string, unknown]> {
  const named = new Map<string, [string, unknown]>()
  for (const [key, value] of Object.entries(fields)) {
    const name = camelCase(key)
    if (named.has(name)) named.set(name, ['', undefined])
    else named.set(name, [key, value])
  }
  return named
}
