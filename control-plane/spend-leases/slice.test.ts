import fc from 'fast-check'
import { expect, test } from 'vitest'
import { smallestOf } from '@/lib/spend/extremes'
import { sliceOf } from './slice'

const amount = fc.bigInt({ min: 0n, max: 10_000n })

test('a slice is nothing, or enough for a request; never more than is wanted, or than there is', () => {
  fc.assert(
    fc.property(
      fc.record({
        want: amount,
        least: amount,
        remaining: fc.bigInt({ min: -10n, max: 10_000n }),
        gateways: fc.integer({ min: 0, max: 20 }),
        perMinute: fc.option(amount),
      }),
      (wanted) => {
        const least = smallestOf(wanted.least, wanted.want)
        const slice = sliceOf({ ...wanted, least })
        expect(slice).toBeLessThanOrEqual(wanted.want)
        expect(slice).toBeLessThanOrEqual(wanted.remaining > 0n ? wanted.remaining : 0n)
        // No dust: what a gateway cannot use is left to those that can.
        if (wanted.remaining < least) expect(slice).toBe(0n)
        else if (wanted.want > 0n && wanted.remaining > 0n) expect(slice).toBeGreaterThanOrEqual(least)
        if (least > 0n && slice < wanted.want) expect(slice % least).toBe(0n)
      },
    ),
    { numRuns: 2_000 },
  )
})

test.each([
  ['half of the share of each of five', { remaining: 1_000n, gateways: 5, perMinute: 5_000n }, 100n],
  ['what is used up in a minute', { remaining: 1_000_000n, gateways: 1, perMinute: 700n }, 700n],
  ['sixteen requests of one that is new', { remaining: 1_000_000n, gateways: 1, perMinute: null }, 160n],
  ['four requests of one that uses little', { remaining: 1_000_000n, gateways: 1, perMinute: 0n }, 40n],
  ['whole requests', { remaining: 150n, gateways: 1, perMinute: 5_000n }, 70n],
  ['one request, when the share is less', { remaining: 15n, gateways: 5, perMinute: 5_000n }, 10n],
  ['nothing, when what is left is less than one', { remaining: 9n, gateways: 1, perMinute: 5_000n }, 0n],
])('a slice is %s', (_, given, slice) => {
  expect(sliceOf({ want: 10_000n, least: 10n, ...given })).toBe(slice)
})
