import { expect, test } from 'vitest'
import { ENDPOINTS } from '@/lib/contract/all'
import { events } from '@/lib/contract/events'
import { settings } from '@/lib/contract/settings'
import { tokens } from '@/lib/contract/tokens'
import { fieldsOf } from './field-words'

const field = (endpoint: (typeof ENDPOINTS)[number], name: string) =>
  fieldsOf(endpoint).find((candidate) => candidate.name === name)

test('a reader learns where each field travels', () => {
  expect(fieldsOf(tokens.rotate).map(({ name, place }) => [name, place])).toEqual([
    ['id', 'path'],
    ['grace_seconds', 'body'],
  ])
  expect(new Set(fieldsOf(events.list).map(({ place }) => place))).toEqual(new Set(['query']))
})

test('bounds, defaults and closed lists are in words', () => {
  expect(field(events.list, 'limit')).toMatchObject({
    type: 'whole number',
    required: false,
    rules: ['1 to 200', 'default 50'],
  })
  expect(field(tokens.create, 'token_type')).toMatchObject({
    type: 'one of',
    required: true,
    values: ['access', 'gateway'],
  })
  expect(field(tokens.create, 'expires_at')).toMatchObject({ type: 'RFC 3339 time or null', pattern: null })
  expect(field(settings.updateSecurity, 'key_lifetime_days_max')).toMatchObject({
    type: 'whole number or null',
    rules: ['1 to 3,650'],
  })
})

test('a list says what it holds, how many, and what each entry must match', () => {
  expect(field(tokens.create, 'allowed_models')).toEqual({
    name: 'allowed_models',
    place: 'body',
    required: false,
    type: 'list of text or null',
    values: [],
    rules: ['up to 200 entries', 'each 1 to 200 characters'],
    pattern: '^[\\x21-\\x7e]+$',
    words: 'null means no restriction; an empty list allows nothing.',
  })
})

test('every input of the contract has words', () => {
  const mute = ENDPOINTS.flatMap((endpoint) =>
    fieldsOf(endpoint)
      .filter(({ type }) => type === 'any JSON value')
      .map(({ name }) => `${endpoint.name}: ${name}`),
  )
  expect(mute).toEqual([])
})
