import { at, fieldsOf, listOf, type Place, Walk, type Walked } from './walked'

const AROUND: Place = { path: [], role: 'user', message: -1 }
const READ = new Set(['model', 'prompt', 'stream'])
const HEARD_SETTINGS = new Set(
  'file language response_format temperature timestamp_granularities include chunking_strategy'.split(' '),
)
const WORD_OR_NUMBER = /^(?:[a-z]{1,24}(?:[._-][a-z0-9]{1,12}){0,3}|[\d.]{1,8})$/i
const SPOKEN_FIELDS = new Set(['model', 'input', 'instructions'])
const SPOKEN_SETTINGS = new Set(['voice', 'response_format', 'speed', 'stream_format'])
const UNHEARD = 'sound is not looked through'

/** The texts of a request to hear a recording: the recording itself goes unheard, and the record says so. */
export function walkTranscriptionRequest(body: unknown): Walked {
  const walk = new Walk()
  walk.skip('the recording', UNHEARD)
  const request = fieldsOf(body)
  walk.text(request.prompt, { path: ['prompt'], role: 'user', message: 0 })
  for (const [name, value] of Object.entries(request)) {
    if (READ.has(name)) continue
    const texts = listOf(typeof value === 'string' ? [value] : value).filter((text) => typeof text === 'string')
    const isSetting = HEARD_SETTINGS.has(name.replace(/\[\]$/, ''))
    const said = isSetting ? texts.filter((text) => !WORD_OR_NUMBER.test(text)) : [name, ...texts]
    walk.names(said, at(AROUND, name))
  }
  return walk.done()
}

/**
 * A transcript, whole and in the pieces that stand beside it.
 *
 * @throws WalkRefused when there is more in it than is looked through
 */
export function walkTranscription(answer: unknown): Walked {
  const walk = new Walk()
  const { text, segments } = fieldsOf(answer)
  const place: Place = { path: [], role: 'assistant', message: 0 }
  walk.text(text, at(place, 'text'))
  for (const [i, segment] of listOf(segments).entries()) {
    walk.text(fieldsOf(segment).text, at(place, 'segments', i, 'text'))
  }
  return walk.done()
}

/** What is to be spoken, and how. */
export function walkSpeechRequest(body: unknown): Walked {
  const walk = new Walk()
  const request = fieldsOf(body)
  const { input, instructions } = request
  walk.textIn(instructions, { path: ['instructions'], role: 'system', message: 0 })
  walk.text(input, { path: ['input'], role: 'user', message: 1 })
  walk.rest(request, SPOKEN_FIELDS, AROUND, 'label', SPOKEN_SETTINGS)
  return walk.done()
}

/** There is nothing in it that could be read. */
export function walkSpeech(): Walked {
  const walk = new Walk()
  walk.skip('the speech', UNHEARD)
  return walk.done()
}
