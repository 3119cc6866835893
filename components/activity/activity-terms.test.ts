import { expect, test } from 'vitest'
import { printActivityTerms, readActivityTerms } from './activity-terms'

test('what is printed reads as the same terms', () => {
  const terms = { action: 'token.revoked', actor_id: 'usr_1', target_id: 'a=b' }
  expect(readActivityTerms(printActivityTerms(terms))).toEqual({ terms, error: undefined })
})

test.each(['actor=x', 'action', 'action=', 'action=a action=b', `actor_id=${'x'.repeat(65)}`])(
  '%s is refused with the reason and filters nothing',
  (text) => {
    const { terms, error } = readActivityTerms(text)
    expect(terms).toEqual({})
    expect(error).toEqual(expect.any(String))
  },
)
