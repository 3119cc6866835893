import { looseName } from '@/lib/json'
import { Refusal } from '../errors'

const PARTS_MAX = 64
const HEADER_BYTES_MAX = 8_192
const VALUE_BYTES_MAX = 4_096
/** Models read some 200 tokens of it. */
const PROMPT_BYTES_MAX = 65_536
const MODEL = /^[\x21-\x7e]{1,200}$/

type FormField = { start: number; end: number }

/** What a transcription request says of itself, and where; the sound is never looked at. */
export type AudioForm = {
  model: string
  stream: boolean
  /** What the transcript should follow in style and words; null when there is none. */
  prompt: string | null
  modelAt: FormField
  promptAt: FormField | null
  file: { name: string | null; at: FormField }
  /** Whatever else is said in words, such as names of speakers, by name; nobody can put anything in its place. */
  others: ReadonlyMap<string, readonly string[]>
  /** With the boundary and nothing else that anybody could read the form by. */
  contentType: string
}

/**
 * Reads the fields that decide from a `multipart/form-data` body (RFC 7578). Bytes are only ever pointed at, so that the
 * request can go on as it came.
 *
 * @throws Refusal `unsupported_media_type` or `invalid_request`, naming the field at fault
 */
export function readAudioForm(body: Buffer, contentType: string | undefined): AudioForm {
  const boundary = boundaryOf(contentType)
  let model: { text: string; at: FormField } | null = null
  let stream: string | null = null
  let prompt: { text: string; at: FormField } | null = null
  let file: AudioForm['file'] | null = null
  const others = new Map<string, string[]>()
  for (const { name, filename, at } of partsOf(body, boundary)) {
    if (name === 'file' && filename !== null) {
      if (file !== null) throw invalid('file', 'must be given once')
      file = { name: filename === '' ? null : filename, at }
    } else if (name === 'model') {
      // What we decide on must be what the provider reads, whichever of two it takes.
      if (model !== null) throw invalid('model', 'must be given once')
      model = { text: textOf(body, at, 'model'), at }
    } else if (name === 'stream') {
      if (stream !== null) throw invalid('stream', 'must be given once')
      stream = textOf(body, at, 'stream')
    } else if (name === 'prompt') {
      if (prompt !== null) throw invalid('prompt', 'must be given once')
      prompt = { text: textOf(body, at, 'prompt', PROMPT_BYTES_MAX), at }
    } else if (['model', 'stream', 'file', 'prompt'].includes(looseName(name))) {
      throw invalid(name, 'must be written in lower case')
    } else if (ELSEWHERE.has(looseName(name))) {
      // A provider might transcribe that instead, and nobody here can tell how long it is.
      throw invalid(name, 'must not be given beside a file')
    } else if (name.toLowerCase() === '_charset_') {
      throw malformed() // RFC 7578, section 4.6: the others would be read by it
    } else if (filename === null && !isSound(body, at)) {
      others.set(name, [...(others.get(name) ?? []), textOf(body, at, name, PROMPT_BYTES_MAX)])
    }
  }
  if (model === null || !MODEL.test(model.text)) {
    throw invalid('model', 'must be the name of a model: 1-200 printable ASCII characters without spaces')
  }
  if (file === null) throw invalid('file', 'must be a file')
  if (stream !== null && stream !== 'true' && stream !== 'false') throw invalid('stream', 'must be true or false')
  return {
    model: model.text,
    stream: stream === 'true',
    prompt: prompt?.text ?? null,
    modelAt: model.at,
    promptAt: prompt?.at ?? null,
    file,
    others,
    contentType: `multipart/form-data; boundary=${/^[\w'+.-]+$/.test(boundary) ? boundary : `"${boundary}"`}`,
  }
}

/** Sound that is not in the form, as Groq and Mistral name it. */
const ELSEWHERE: ReadonlySet<string> = new Set(['url', 'file_url', 'file_id'])

const SOUND = 'data:audio/'
const isSound = (body: Buffer, { start }: FormField) => body.toString('latin1', start, start + SOUND.length) === SOUND

/**
 * The same form with another model and prompt; no other byte changes.
 *
 * @param prompt null for the one it has
 */
export function withFormTexts(body: Buffer, form: AudioForm, model: string, prompt: string | null): Buffer {
  const { modelAt, promptAt } = form
  const edits = [{ at: modelAt, text: model }]
  if (promptAt !== null && prompt !== null) edits.push({ at: promptAt, text: prompt })
  edits.sort((one, other) => one.at.start - other.at.start)
  const pieces: Buffer[] = []
  let from = 0
  for (const { at, text } of edits) {
    pieces.push(body.subarray(from, at.start), Buffer.from(text))
    from = at.end
  }
  return Buffer.concat([...pieces, body.subarray(from)])
}

const invalid = (param: string, rule: string) => new Refusal('invalid_request', `${param} ${rule}.`, { param })

function textOf(body: Buffer, { start, end }: FormField, name: string, bytesMax = VALUE_BYTES_MAX): string {
  if (end - start > bytesMax) throw invalid(name, 'is too long')
  return body.toString('utf8', start, end)
}

/** One boundary and no other parameter: of two the provider might take the other, and a charset would change every text. */
function boundaryOf(contentType: string | undefined): string {
  const [, quoted, plain] = CONTENT_TYPE.exec(contentType ?? '') ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) {
    throw new Refusal('unsupported_media_type', 'The body must be multipart/form-data with a boundary.')
  }
  return boundary
}

/** RFC 2046, section 5.1.1 */
const CONTENT_TYPE =
  /^multipart\/form-data[ \t]*;[ \t]*boundary=(?:"([\w'()+,./:=? -]{0,69}[\w'()+,./:=?-])"|([\w'()+,./:=?-]{1,70}))(?:[ \t]*;[ \t]*charset="?utf-8"?)?[ \t]*;?$/i

type FormPart = { name: string; filename: string | null; at: FormField }

function* partsOf(body: Buffer, boundary: string): Generator<FormPart> {
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  const first = delimiter.subarray(2)
  if (!body.subarray(0, first.length).equals(first)) throw malformed()
  let at = first.length
  for (let count = 0; ; count += 1) {
    if (body.toString('latin1', at, at + 2) === '--') return
    if (count === PARTS_MAX) throw invalid('body', `must have at most ${PARTS_MAX} parts`)
    if (body.toString('latin1', at, at + 2) !== '\r\n') throw malformed()
    const headersEnd = body.subarray(at, at + HEADER_BYTES_MAX).indexOf('\r\n\r\n')
    if (headersEnd === -1) throw malformed()
    const start = at + headersEnd + 4
    const end = body.indexOf(delimiter, start)
    if (end === -1) throw malformed()
    yield { ...dispositionOf(body.toString('utf8', at + 2, start - 4)), at: { start, end } }
    at = end + delimiter.length
  }
}

const malformed = () => new Refusal('malformed_request', 'The body is not well-formed multipart/form-data.')

/**
 * A provider must find the same names as we do, so what programs read in different ways is refused: a name given twice, or
 * in another notation, or within the quotes of something else, and lines that others would take for two.
 */
function dispositionOf(headers: string): { name: string; filename: string | null } {
  const lines = headers.split('\r\n')
  if (lines.some((one) => CODED.test(one))) throw malformed()
  const [line, ...more] = lines.filter((one) => /^content-disposition[ \t]*:/i.test(one))
  if (line === undefined || more.length > 0 || lines.some((one) => /^[ \t]|[\r\n]/.test(one))) throw malformed()
  const [, parameters = ''] = /^[^:]*:[ \t]*form-data[ \t]*(;.*)$/i.exec(line) ?? []
  const found = new Map<string, string>()
  let read = 0
  for (const [whole, key = '', quoted, plain = ''] of parameters.matchAll(PARAMETER)) {
    if (found.has(key.toLowerCase())) throw malformed()
    found.set(key.toLowerCase(), quoted ?? plain)
    read += whole.length
  }
  const name = found.get('name')
  if (name === undefined || name.includes('\\') || found.has('name*') || read !== parameters.length) throw malformed()
  return { name, filename: found.get('filename') ?? found.get('filename*') ?? null }
}

/** Some programs decode such parts before they read them. */
const CODED =
  /^content-transfer-encoding[ \t]*:(?![ \t]*(?:7bit|8bit|binary)[ \t]*$)|^content-type[ \t]*:.*charset(?![ \t]*=[ \t]*"?(?:utf-8|us-ascii)"?[ \t]*(?:;|$))/i

/** Quoted or not; a quote within is escaped with a backslash or as %22. */
const PARAMETER = /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*/gy
