import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AddressList, addressHolder, clientAddress } from './client-address'
import { type Hold, type Limit, Limiter, rateLimitFields } from './limiter'

const MINUTE = 60_000
const requests = (max: number, holder = 'key a'): Limit => ({
  name: 'key-requests',
  holder,
  counts: 'requests',
  max,
  windowMs: MINUTE,
})
const tokens = (max: number): Limit => ({
  name: 'key-tokens',
  holder: 'key a',
  counts: 'tokens',
  max,
  windowMs: MINUTE,
})
const parallel = (max: number): Limit => ({
  name: 'key-parallel',
  holder: 'key a',
  counts: 'parallel',
  max,
  windowMs: 0,
})

const held = (taken: ReturnType<Limiter['take']>): Hold => {
  if (taken.hold === null) throw new Error('refused')
  return taken.hold
}

describe('a limit of requests', () => {
  test('lets exactly so many through in a window, and as many in the next', () => {
    const limiter = new Limiter()
    const passed = (nowMs: number) =>
      Array.from({ length: 10 }, () => limiter.take([requests(3)], 0, nowMs)).filter((it) => it.hold)
    expect(passed(0)).toHaveLength(3)
    expect(passed(MINUTE - 1)).toHaveLength(0)
    expect(passed(MINUTE)).toHaveLength(3)
  })

  test('is counted for each holder alone', () => {
    const limiter = new Limiter()
    expect(limiter.take([requests(1, 'key a')], 0, 0).hold).not.toBeNull()
    expect(limiter.take([requests(1, 'key b')], 0, 0).hold).not.toBeNull()
    expect(limiter.take([requests(1, 'key a')], 0, 0).exceeded?.limit.name).toBe('key-requests')
  })

  test('of zero lets nothing through', () => {
    expect(new Limiter().take([requests(0)], 0, 0).hold).toBeNull()
  })
})

describe('a request under several limits', () => {
  test('takes from none when one refuses', () => {
    const limiter = new Limiter()
    const wide = requests(100)
    limiter.take([wide, parallel(1)], 0, 0)
    for (let i = 0; i < 5; i++) expect(limiter.take([wide, parallel(1)], 0, 0).hold).toBeNull()
    expect(limiter.statusOf(wide, 0).remaining).toBe(99)
  })
})

describe('a limit of tokens', () => {
  test('is settled to what was used, in the window in which it was taken', () => {
    const limiter = new Limiter()
    const hold = held(limiter.take([tokens(1_000)], 400, 0))
    expect(limiter.statusOf(tokens(1_000), 0).remaining).toBe(600)
    limiter.release(hold, 250)
    expect(limiter.statusOf(tokens(1_000), 0).remaining).toBe(750)
  })

  test('is not moved in the next window by a request that began in this one', () => {
    const limiter = new Limiter()
    const late = held(limiter.take([tokens(1_000)], 400, 0))
    limiter.take([tokens(1_000)], 100, MINUTE)
    limiter.release(late, 900)
    expect(limiter.statusOf(tokens(1_000), MINUTE).remaining).toBe(900)
  })

  test('keeps the estimate when nobody said what was used', () => {
    const limiter = new Limiter()
    limiter.release(held(limiter.take([tokens(1_000)], 400, 0)), null)
    expect(limiter.statusOf(tokens(1_000), 0).remaining).toBe(600)
  })

  test('lets a request through that is larger than an untouched window, and nothing after it', () => {
    const limiter = new Limiter()
    expect(limiter.take([tokens(10)], 50, 0).hold).not.toBeNull()
    expect(limiter.take([tokens(10)], 1, 0).hold).toBeNull()
  })
})

describe('a limit of calls under way', () => {
  test('is never passed and always given back, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (starts, max) => {
        const limiter = new Limiter()
        const open: Hold[] = []
        for (const [at, isStart] of starts.entries()) {
          if (isStart) {
            const taken = limiter.take([parallel(max)], 0, at)
            expect(taken.hold === null).toBe(open.length === max)
            if (taken.hold) open.push(taken.hold)
          } else {
            const hold = open.shift()
            if (hold) limiter.release(hold, null)
          }
        }
        for (const hold of open) limiter.release(hold, null)
        expect(limiter.size).toBe(0)
      }),
    )
  })
})

describe('counters', () => {
  test('of windows that have ended are forgotten', () => {
    const limiter = new Limiter()
    for (let i = 0; i < 1_000; i++) limiter.take([requests(1, `key ${i}`)], 0, 0)
    expect(limiter.size).toBe(1_000)
    limiter.sweep(MINUTE)
    expect(limiter.size).toBe(0)
  })

  test('stay bounded under a flood of new holders', () => {
    const limiter = new Limiter()
    for (let i = 0; i < 200_100; i++) limiter.take([requests(1, `ip ${i}`)], 0, 0)
    expect(limiter.size).toBeLessThanOrEqual(200_000)
  })
})

describe('the RateLimit fields', () => {
  test('name every limit with a window, with seconds rounded up', () => {
    const limiter = new Limiter()
    limiter.take([requests(60), parallel(2)], 0, 30_500)
    const statuses = [requests(60), parallel(2)].map((limit) => limiter.statusOf(limit, 30_500))
    expect(rateLimitFields(statuses)).toEqual([
      'ratelimit-policy',
      '"key-requests";q=60;w=60',
      'ratelimit',
      '"key-requests";r=59;t=30',
    ])
  })
})

describe('the address of a caller', () => {
  test.each([
    ['10.0.0.9', undefined, 0, '10.0.0.9'],
    ['10.0.0.9', '1.2.3.4', 0, '10.0.0.9'],
    ['10.0.0.9', '1.2.3.4', 1, '1.2.3.4'],
    ['10.0.0.9', '6.6.6.6, 1.2.3.4', 1, '1.2.3.4'],
    ['10.0.0.9', '6.6.6.6, 1.2.3.4, 10.0.0.8', 2, '1.2.3.4'],
    ['10.0.0.9', '1.2.3.4', 2, '10.0.0.9'],
    ['10.0.0.9', 'nonsense', 1, '10.0.0.9'],
    ['10.0.0.9', '1.2.3.4:5678', 1, '1.2.3.4'],
    ['10.0.0.9', '[2001:db8::1]:443', 1, '2001:db8::1'],
    ['::ffff:10.0.0.9', '::ffff:1.2.3.4', 1, '1.2.3.4'],
  ])('called from %s with X-Forwarded-For %s and depth %i is %s', (socket, forwarded, depth, expected) => {
    expect(clientAddress(socket, forwarded, depth)).toBe(expected)
  })

  test('of IPv6 shares its limit with its network of 64 bits', () => {
    expect(addressHolder('2001:db8:1:2:3:4:5:6')).toBe(addressHolder('2001:db8:1:2::'))
    expect(addressHolder('2001:db8:1:3::')).not.toBe(addressHolder('2001:db8:1:2::'))
    expect(addressHolder('1.2.3.4')).toBe('1.2.3.4')
  })

  test('is looked up in a list of networks of both families', () => {
    const list = new AddressList(['10.0.0.0/8', '192.168.1.7', '2001:db8::/32'])
    for (const address of ['10.255.0.1', '192.168.1.7', '2001:db8:ffff::1']) expect(list.includes(address)).toBe(true)
    for (const address of ['11.0.0.1', '192.168.1.8', '2001:db9::1', '', 'x'])
      expect(list.includes(address)).toBe(false)
  })
})
