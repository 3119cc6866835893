import { expect, test } from 'vitest'
import { AppError } from '@/lib/errors'
import { problemsOfAnswer } from './form-problems'

const refused = (...paths: string[]) =>
  new AppError('invalid_request', 'Two fields are wrong.', {
    errors: paths.map((path) => ({ path, message: `is wrong at ${path}` })),
  })
const FIELDS = ['name', 'scope', 'prices.input', 'prices'] as const

test('what is refused stands beside the field that it names, and nowhere else', () => {
  expect(problemsOfAnswer(refused('name', 'scope.team_id', 'prices.input', 'prices.odd'), FIELDS)).toEqual({
    fields: {
      name: 'Is wrong at name.',
      scope: 'Is wrong at scope.team_id.',
      'prices.input': 'Is wrong at prices.input.',
      prices: 'Is wrong at prices.odd.',
    },
    general: null,
  })
})

test('the first problem of a field is what is said of it', () => {
  expect(problemsOfAnswer(refused('scope.team_id', 'scope.model'), FIELDS).fields).toEqual({
    scope: 'Is wrong at scope.team_id.',
  })
})

test('what names no field of the form is said at its head, also beside what does', () => {
  expect(problemsOfAnswer(refused('name', 'elsewhere'), FIELDS)).toEqual({
    fields: { name: 'Is wrong at name.' },
    general: 'Two fields are wrong.',
  })
  expect(problemsOfAnswer(refused('named'), FIELDS)).toEqual({ fields: {}, general: 'Two fields are wrong.' })
})

test('paths of the whole input are told as the form knows them', () => {
  const inSet = (path: string) => path.replace(/^set\.\d+\./, '')
  expect(problemsOfAnswer(refused('set.0.prices.input'), FIELDS, inSet).fields).toEqual({
    'prices.input': 'Is wrong at set.0.prices.input.',
  })
})

test('a name that is taken belongs to the name', () => {
  const taken = new AppError('name_taken', 'There is a team with this name already.')
  expect(problemsOfAnswer(taken, FIELDS)).toEqual({ fields: { name: taken.message }, general: null })
  expect(problemsOfAnswer(taken, ['reason'])).toEqual({ fields: {}, general: taken.message })
})

test('what the console did not expect says nothing about itself', () => {
  expect(problemsOfAnswer(new TypeError('x is undefined'), FIELDS)).toEqual({
    fields: {},
    general: 'The console met something it did not expect. Nothing was changed.',
  })
})
