import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from '@/lib/parse-json'
import { readBatch } from './read-batch'

const read = (text: string | Buffer) => readBatch(Buffer.from(text))

test('every event is known by its exact bytes, whatever stands in it and around it', () => {
  const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
  const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('events', '"', '\\', ',', '],[', '{"events":['))
  const events = fc.array(
    fc.tuple(fc.oneof(fc.jsonValue({ maxDepth: 4 }), name, fc.dictionary(name, name)), space, space),
    { maxLength: 6, minLength: 1 },
  )
  fc.assert(
    fc.property(events, space, fc.boolean(), (given, between, isLast) => {
      const texts = given.map(([value]) => JSON.stringify(value))
      const list = texts.map((text, at) => `${given[at]?.[1]}${text}${given[at]?.[2]}`).join(',')
      const captures = '"captures":[[1,{"events":[7]}],"],"]'
      const pair = `"events"${between}:${between}[${list}]`
      const batch = read(`{${between}${isLast ? `${captures},${pair}` : `${pair},${captures}`}}${between}`)
      expect(batch.events.map((event) => event.bytes().toString())).toEqual(
        texts.map((text) => Buffer.from(text).toString()),
      )
      expect(batch.events.map((event) => event.given)).toEqual(texts.map((text) => parseJson(text)))
      expect(batch.captures).toHaveLength(2)
    }),
    { numRuns: 500 },
  )
})

test('the names of an event are counted as often as they are written', () => {
  const { events } = read('{"events":[{"a":1,"a":{"b":":","c":[{"d":null}]}}, 1, {}]}')
  expect(events.map(({ names }) => names)).toEqual([5, 0, 0])
})

test.each([
  ['', /events/],
  ['[]', /expected object|events/i],
  ['{"events":[]}', /events/],
  ['{"events":{}}', /events/],
  ['{"events":[1],"events":[2,3]}', /twice/],
  ['{"events":[1],"more":1}', /more/],
  ['{"events":[1}', /not valid JSON/],
  ['{"events":[1]}}', /not valid JSON/],
  [`{"events":[${'['.repeat(70)}${']'.repeat(70)}]}`, /nested deeper/],
  ['['.repeat(1_000_000), /nested deeper/],
  [Buffer.from([0x7b, 0xff, 0x7d]), /UTF-8/],
])('%j is no batch', (body, reason) => {
  expect(() => read(body)).toThrow(
    expect.objectContaining({ code: 'invalid_request', message: expect.stringMatching(reason) }),
  )
})
