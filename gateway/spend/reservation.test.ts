import { expect, test } from 'vitest'
import { nanoUsd } from '@/lib/money'
import { Lease } from './lease'
import { Reservation } from './reservation'

const leaseOf = (id: string) => new Lease(id, { kind: 'wallet', wallet_id: id }, null)

test('a request that goes on to another provider holds no more of what counts for the first one only', () => {
  const [all, ofFirst] = [leaseOf('all'), leaseOf('first')]
  const parts = [
    { lease: all, amount: 5n, provider: null },
    { lease: ofFirst, amount: 5n, provider: 'first' },
  ]
  const reservation = new Reservation(parts, nanoUsd(5n), () => undefined)
  const lacking = (amount: bigint, provider: string) =>
    reservation.lacking(nanoUsd(amount), provider).map((need) => [need.lease.key, need.amount])
  expect(lacking(8n, 'first')).toEqual([
    ['all', 3n],
    ['first', 3n],
  ])
  expect(lacking(8n, 'second')).toEqual([['all', 3n]])
  reservation.extend([{ lease: all, amount: 3n }], nanoUsd(8n))
  expect(lacking(8n, 'second')).toEqual([])
  expect(lacking(9n, 'second')).toEqual([['all', 1n]])
})
