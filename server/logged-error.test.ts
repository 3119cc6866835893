import { DrizzleQueryError } from 'drizzle-orm/errors'
import { expect, test } from 'vitest'
import { AppError } from '@/lib/errors'
import { loggedError } from './logged-error'

const SECRET = 'what somebody asked a model'

test('a failed query is logged with its statement and its reason, never with its values', () => {
  const reason = Object.assign(new Error('Connection terminated'), { code: '08006', detail: SECRET, where: SECRET })
  const thrown = new AppError('internal', 'It failed.', {
    cause: new DrizzleQueryError('insert into payloads values ($1)', [SECRET, `\n    at ${SECRET}\n`], reason),
  })

  expect(loggedError(thrown)).toMatchObject({
    message: 'It failed.',
    cause: {
      type: 'DrizzleQueryError',
      message: 'Failed query: insert into payloads values ($1)',
      cause: { message: 'Connection terminated', code: '08006' },
    },
  })
  expect(JSON.stringify(loggedError(thrown))).not.toContain(SECRET)
})

test('says where an error comes from', () => {
  expect(loggedError(new Error('broken')).stack).toContain('logged-error.test.ts')
})

test('ends where causes run in a circle', () => {
  const error = new Error('round')
  error.cause = error
  expect(JSON.stringify(loggedError(error)).match(/round/g)).toHaveLength(6)
})
