import OpenAI, { toFile } from 'openai'
import { expect, test } from 'vitest'
import { Refusal } from '../errors'
import { readAudioForm, withFormTexts } from './audio-form'

const TYPE = 'multipart/form-data; boundary=xyz'
const field = (name: string, value: string) =>
  `--xyz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const FILE = `--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\0\xff\r\n`
const form = (...parts: string[]) => Buffer.from(`${parts.join('')}--xyz--\r\n`, 'latin1')

test('says what decides, and points at it without touching the sound', () => {
  const body = form(field('model', 'whisper-1'), FILE, field('stream', 'true'))
  const read = readAudioForm(body, TYPE)
  expect(read).toMatchObject({ model: 'whisper-1', stream: true, file: { name: 'a.wav' } })
  expect(withFormTexts(body, read, 'other', null)).toEqual(form(field('model', 'other'), FILE, field('stream', 'true')))
})

test('reads what the official SDK sends', async () => {
  const seen: { body: Buffer; type: string }[] = []
  const client = new OpenAI({
    apiKey: 'x',
    baseURL: 'http://gateway.test/v1',
    fetch: async (url, init) => {
      const request = new Request(url, init)
      seen.push({ body: Buffer.from(await request.arrayBuffer()), type: request.headers.get('content-type') ?? '' })
      return Response.json({ text: 'hi' })
    },
  })
  await client.audio.transcriptions.create({ model: 'whisper-1', file: await toFile(Buffer.from('RIFF'), 'ä "b".wav') })
  const sent = seen.at(-1) // before it the SDK tries out whether forms work at all
  const read = sent && readAudioForm(sent.body, sent.type)
  expect(read).toMatchObject({ model: 'whisper-1', stream: false })
  expect(sent?.body.toString('latin1', read?.file.at.start, read?.file.at.end)).toBe('RIFF')
})

test.each([
  ['no model', form(FILE), 'model'],
  ['two models', form(field('model', 'a'), field('model', 'b'), FILE), 'model'],
  ['a model in other letters', form(field('model', 'a'), field('Model', 'b'), FILE), 'Model'],
  ['a model with a line break', form(field('model', 'a\r\nb'), FILE), 'model'],
  ['no file', form(field('model', 'a')), 'file'],
  ['two files', form(field('model', 'a'), FILE, FILE), 'file'],
  ['a stream that is neither', form(field('model', 'a'), FILE, field('stream', 'maybe')), 'stream'],
  ['too many parts', form(field('model', 'a'), FILE, ...Array.from({ length: 100 }, () => field('x', 'y'))), 'body'],
])('%s is refused by name', (_, body, param) => {
  expect(() => readAudioForm(body, TYPE)).toThrow(expect.objectContaining({ code: 'invalid_request', param }))
})

test.each([
  'form-data; name="x"; name="model"',
  'form-data; name="x',
  'form-data; name="x"; name*=utf-8\'\'model',
  'form-data; name="mode\\l"',
  'form-data; name="x"\r\n ; name="model"',
  'form-data; name="x"\nContent-Disposition: form-data; name="model"',
  'form-data; name="x"\r\nContent-Disposition: form-data; name="model"',
  'attachment; name="model"',
])('a name that others might read as another is refused: %j', (disposition) => {
  const body = form(field('model', 'a'), FILE, `--xyz\r\nContent-Disposition: ${disposition}\r\n\r\nb\r\n`)
  expect(() => readAudioForm(body, TYPE)).toThrow(expect.objectContaining({ code: 'malformed_request' }))
})

test.each([
  ['form-data; name=file; filename="a; name=model.wav"', 'a; name=model.wav'],
  ['form-data ; filename="a \\"b\\".wav"; name="file"', 'a \\"b\\".wav'],
  ['Form-Data; name="file"; filename*=utf-8\'\'a.wav', "utf-8''a.wav"],
])('a file is found under any name of its own: %j', (disposition, name) => {
  const file = `--xyz\r\ncontent-disposition: ${disposition}\r\n\r\nRIFF\r\n`
  expect(readAudioForm(form(field('model', 'a'), file), TYPE)).toMatchObject({ model: 'a', file: { name } })
})

test.each([undefined, 'application/json', 'multipart/form-data', `multipart/form-data; boundary=${'x'.repeat(71)}`])(
  'the type %s is refused',
  (type) => {
    expect(() => readAudioForm(form(FILE), type)).toThrow(expect.objectContaining({ code: 'unsupported_media_type' }))
  },
)

test.each([
  'multipart/form-data; boundary=xyz; boundary=abc',
  'multipart/form-data; boundary=xyz; charset=utf-7',
  'multipart/form-data; charset=utf-16; boundary=xyz',
  "multipart/form-data; boundary=xyz; boundary*=utf-8''abc",
  'multipart/form-data; boundary="xyz\\"; boundary=abc"',
  'multipart/form-data; boundary=xyz ; x=y',
])('a form that a provider could cut or read otherwise is refused: %s', (type) => {
  const body = form(field('model', 'a'), FILE)
  expect(() => readAudioForm(body, type)).toThrow(expect.objectContaining({ code: 'unsupported_media_type' }))
})

test('what the provider is told of a form is its boundary and nothing else', () => {
  const body = form(field('model', 'a'), FILE)
  for (const type of [TYPE, 'Multipart/Form-Data ;boundary="xyz"; charset=UTF-8']) {
    expect(readAudioForm(body, type).contentType).toBe(TYPE)
  }
})

test.each([
  'Content-Transfer-Encoding: base64',
  'content-transfer-encoding : quoted-printable',
  'Content-Type: text/plain; charset=utf-16',
  'Content-Type: text/plain; x=y; CHARSET="utf-7"',
])('a part that a provider would decode first is refused: %s', (header) => {
  const part = `--xyz\r\nContent-Disposition: form-data; name="prompt"\r\n${header}\r\n\r\nx\r\n`
  expect(() => readAudioForm(form(field('model', 'a'), FILE, part), TYPE)).toThrow(
    expect.objectContaining({ code: 'malformed_request' }),
  )
})

test.each(['_charset_', '\u017ftream'])('a field that changes how others are read is refused: %s', (name) => {
  const body = Buffer.from(form(field('model', 'a'), FILE, 'HERE').toString('latin1').replace('HERE', field(name, 'x')))
  expect(() => readAudioForm(body, TYPE)).toThrow(Refusal)
})

test('everything that is said in words is told, but for sound', () => {
  const sound = `data:audio/wav;base64,${'QUJD'.repeat(50_000)}`
  const body = form(
    field('model', 'a'),
    field('hotwords', 'Ana'),
    field('hotwords', 'Kov'),
    field('ref[]', sound),
    FILE,
  )
  expect([...readAudioForm(body, TYPE).others]).toEqual([['hotwords', ['Ana', 'Kov']]])
})

test('a form that is cut anywhere is refused, and nothing else happens', () => {
  const body = form(field('model', 'whisper-1'), FILE)
  for (let length = 0; length < body.length - 4; length += 1) {
    expect(() => readAudioForm(body.subarray(0, length), TYPE)).toThrow(Refusal)
  }
})
