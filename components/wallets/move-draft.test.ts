import { expect, test } from 'vitest'
import { AppError } from '@/lib/errors'
import { type MoveDraft, problemsOfAnswer } from './move-draft'

const DRAFT: MoveDraft = { scope: 'team', team_id: 't', user_id: '', other: 'organization', amount_usd: '5', note: '' }

test('more than there is, is told beside the amount, as money is written on the page', () => {
  const message = 'must be at most 11113660.759999999 US dollars.'
  const refused = new AppError(
    'conflict',
    'amount_usd: wallet organization has 11113660.759999999 US dollars to give.',
    {
      errors: [{ path: 'amount_usd', message }],
    },
  )
  expect(problemsOfAnswer(refused, DRAFT)).toEqual({ amount_usd: 'Must be at most $11,113,660.759999999.' })
})
