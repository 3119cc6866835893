import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classOfCode, classOfError, type FailureClass, retryAfterMs } from './failure-class'
import { type Attempt, type Plan, type RoutableTarget, Router, type RoutingSettings } from './router'

const SETTINGS: RoutingSettings = {
  strategy: 'ordered',
  stickyByConversation: false,
  triggers: new Set<FailureClass>(['server_error', 'timeout', 'rate_limited', 'connection', 'invalid_answer']),
  attemptsMax: 3,
  retryShare: 0.1,
  breaker: { failureThreshold: 3, cooldownMs: 10_000, halfOpenProbes: 2 },
  allOpen: 'try',
}

const target = (id: string, more: Partial<RoutableTarget> = {}): RoutableTarget => ({
  id,
  baseUrl: new URL(`https://${id}.example`),
  weight: 1,
  pricing: null,
  secrets: [`secret of ${id}`],
  ...more,
})

function router(start = 0) {
  let nowMs = start
  let seed = 1
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const self = new Router({ nowMs: () => nowMs, random })
  const plan = (
    targets: readonly RoutableTarget[],
    more: Partial<RoutingSettings> = {},
    conversation: string | null = null,
    model = 'gpt-5.4',
  ) => self.plan([targets], model, conversation, { ...SETTINGS, ...more })
  return {
    plan,
    pass: (ms: number) => {
      nowMs += ms
    },
    /** Sends one request that succeeds, and says where it went. */
    ask(targets: readonly RoutableTarget[], more: Partial<RoutingSettings> = {}, conversation: string | null = null) {
      const it = plan(targets, more, conversation)
      const attempt = it.first()
      it.succeeded(10)
      return attempt?.target.id
    },
    /** Sends one request that fails everywhere, and says where it went. */
    fail(targets: readonly RoutableTarget[], failure: FailureClass, more: Partial<RoutingSettings> = {}) {
      return walk(plan(targets, more), failure)
    },
  }
}

function walk(plan: Plan<RoutableTarget>, failure: FailureClass): string[] {
  const tried: string[] = []
  let attempt: Attempt<RoutableTarget> | null = plan.first()
  while (attempt !== null && tried.length < 50) {
    tried.push(attempt.target.id)
    attempt = plan.failed(failure, null)
  }
  return tried
}

const [a, b, c] = [target('a'), target('b'), target('c')]

describe('after a failure', () => {
  test.each(['server_error', 'timeout', 'connection', 'rate_limited', 'invalid_answer'] as const)(
    'of the kind %s, the other targets are tried in turn',
    (failure) => {
      expect(router().fail([a, b, c], failure)).toEqual(['a', 'b', 'c'])
    },
  )

  test('that is the fault of the request, nobody else is asked', () => {
    expect(router().fail([a, b, c], 'rejected')).toEqual(['a'])
  })

  test('of a kind that is no trigger, nobody else is asked', () => {
    expect(router().fail([a, b], 'timeout', { triggers: new Set(['server_error']) })).toEqual(['a'])
  })

  test('no more calls are made than a request may make', () => {
    expect(router().fail([a, b, c], 'server_error', { attemptsMax: 2 })).toEqual(['a', 'b'])
  })

  test('the only target is asked again after a short wait that grows', () => {
    const plan = router().plan([a])
    expect(plan.first()).toMatchObject({ waitMs: 0 })
    const second = plan.failed('server_error', null)
    const third = plan.failed('server_error', null)
    expect(second?.waitMs).toBeGreaterThanOrEqual(50)
    expect(second?.waitMs).toBeLessThan(150)
    expect(third?.waitMs).toBeGreaterThanOrEqual(100)
    expect(third?.waitMs).toBeLessThan(300)
    expect(plan.failed('server_error', null)).toBeNull()
  })

  test('a wait that the provider asks for is kept, and one that is too long is not made', () => {
    const patient = router().plan([a])
    patient.first()
    expect(patient.failed('rate_limited', 1_500)).toMatchObject({ waitMs: 1_500 })
    const hasty = router().plan([a])
    hasty.first()
    expect(hasty.failed('rate_limited', 30_000)).toBeNull()
  })
})

describe('a target that asked for patience', () => {
  test('gets no call until its time has come', () => {
    const it = router()
    const plan = it.plan([a, b])
    plan.first()
    expect(plan.failed('rate_limited', 5_000)).toMatchObject({ target: b })
    plan.succeeded(1)
    expect(it.ask([a, b])).toBe('b')
    it.pass(5_001)
    expect(it.ask([a, b])).toBe('a')
  })

  test('without saying how much comes after the others for a moment, and is asked all the same when there is no other', () => {
    const it = router()
    const plan = it.plan([a, b])
    plan.first()
    expect(plan.failed('rate_limited', null)).toMatchObject({ target: b })
    plan.succeeded(1)
    expect(it.ask([a, b])).toBe('b')
    expect(it.ask([a], { allOpen: 'refuse' })).toBe('a')
    expect(it.fail([a, b], 'server_error', { attemptsMax: 2 })).toEqual(['b', 'a'])
    it.pass(5_001)
    expect(it.ask([a, b])).toBe('a')
  })
})

describe('a refused secret', () => {
  const two = target('two', { secrets: ['first', 'second'] })

  test('is followed by the next secret of the same target, and the target stays well', () => {
    const it = router()
    const plan = it.plan([two, b])
    expect(plan.first()).toMatchObject({ target: two, secret: 'first' })
    expect(plan.failed('credential', null)).toMatchObject({ target: two, secret: 'second' })
    plan.succeeded(1)
    expect(it.plan([two, b]).first()).toMatchObject({ target: two, secret: 'second' })
    it.pass(60_001)
    expect(it.plan([two, b]).first()).toMatchObject({ target: two, secret: 'first' })
  })

  test('that was the last one leads to the next target', () => {
    expect(router().fail([a, b], 'credential')).toEqual(['a', 'b'])
  })

  test('is good for another target, which may know it, or be asked for what it is good for', () => {
    const one = target('one', { secrets: ['shared'] })
    const other = target('other', { secrets: ['shared'] })
    expect(router().fail([one, other], 'credential')).toEqual(['one', 'other'])
  })

  test('is not tried again by the next request while another target has a good one', () => {
    const it = router()
    const plan = it.plan([a, b])
    plan.first()
    expect(plan.failed('credential', null)?.target.id).toBe('b')
    plan.succeeded(1)
    expect(it.ask([a, b])).toBe('b')
    it.pass(60_001)
    expect(it.ask([a, b])).toBe('a')
  })

  test('is good for another model: who asks for one that it is not for takes it from nobody else', () => {
    const it = router()
    const plan = it.plan([a, b], {}, null, 'not-ours')
    plan.first()
    expect(plan.failed('credential', null)?.target.id).toBe('b')
    plan.succeeded(1)
    expect(it.plan([a, b], {}, null, 'not-ours').first()?.target.id).toBe('b')
    expect(it.ask([a, b])).toBe('a')
  })

  test('is tried once more by each request while no target has another', () => {
    const it = router()
    expect(it.fail([a, b], 'credential')).toEqual(['a', 'b'])
    expect(it.fail([a, b], 'credential')).toEqual(['a', 'b'])
  })
})

describe('the circuit breaker', () => {
  test('opens after failures in a row, keeps calls away, lets trial calls in, and closes when all of them succeed', () => {
    const it = router()
    for (let i = 0; i < 3; i++) it.fail([a], 'server_error', { attemptsMax: 1 })
    expect(it.ask([a, b])).toBe('b')
    it.pass(10_001)
    const first = it.plan([a, b])
    const second = it.plan([a, b])
    expect(first.first()).toMatchObject({ target: a })
    expect(second.first()).toMatchObject({ target: a })
    expect(it.ask([a, b])).toBe('b') // two trial calls are out, which is all there may be
    first.succeeded(1)
    expect(it.ask([a, b])).toBe('b')
    second.succeeded(1)
    expect(it.ask([a, b])).toBe('a')
  })

  test('opens again when a trial call fails', () => {
    const it = router()
    for (let i = 0; i < 3; i++) it.fail([a], 'server_error', { attemptsMax: 1 })
    it.pass(10_001)
    it.fail([a, b], 'timeout', { attemptsMax: 1 })
    expect(it.ask([a, b])).toBe('b')
  })

  test('is not used again because a call succeeds that was made before it was left alone', () => {
    const it = router()
    const slow = [it.plan([a, b]), it.plan([a, b]), it.plan([a, b])]
    for (const plan of slow) plan.first()
    for (let i = 0; i < 3; i++) it.fail([a], 'server_error', { attemptsMax: 1 })
    for (const plan of slow) plan.succeeded(1)
    expect(it.ask([a, b])).toBe('b')
    it.pass(10_001)
    const late = it.plan([a, b])
    expect(late.first()?.target).toBe(a)
    expect(it.plan([a, b]).first()?.target).toBe(a)
    expect(it.plan([a, b]).first()?.target).toBe(b)
  })

  test('is tried at its time although calls fail that were made before it was left alone', () => {
    const it = router()
    const slow = it.plan([a, b])
    slow.first()
    const [first, second] = [it.plan([a, b]), it.plan([a, b])]
    for (let i = 0; i < 3; i++) it.fail([a], 'server_error', { attemptsMax: 1 })
    it.pass(10_001)
    expect(first.first()?.target).toBe(a)
    expect(second.first()?.target).toBe(a)
    slow.lost('timeout', null)
    first.succeeded(1)
    second.abandoned()
    expect(it.ask([a, b])).toBe('a')
    expect(it.ask([a, b])).toBe('a')
  })

  test('is not moved by requests that were at fault themselves, nor by callers who left', () => {
    const it = router()
    for (let i = 0; i < 10; i++) it.fail([a], 'rejected')
    for (let i = 0; i < 10; i++) {
      const plan = it.plan([a])
      plan.first()
      plan.abandoned()
    }
    expect(it.ask([a, b])).toBe('a')
  })

  test('when all are open, tries one or refuses, as told', () => {
    const it = router()
    for (let i = 0; i < 3; i++) it.fail([a], 'server_error', { attemptsMax: 1 })
    expect(it.plan([a], { allOpen: 'refuse' }).first()).toBeNull()
    expect(it.plan([a], { allOpen: 'try' }).first()).toMatchObject({ target: a })
  })
})

describe('retries', () => {
  test('at another target that is well cost nothing: a target that dies under many requests is not noticed', () => {
    const it = router()
    const plans = Array.from({ length: 200 }, () => it.plan([a, b]))
    for (const plan of plans) expect(plan.first()).toMatchObject({ target: a })
    for (const plan of plans) expect(plan.failed('connection', null)).toMatchObject({ target: b })
  })

  test('at the same target stay within their share of the requests', () => {
    const it = router()
    let requests = 0
    let extra = 0
    for (; requests < 2_000; requests++) {
      // Health is left out: a new address each time is a new target.
      const tried = it.fail([target(`x${requests}`)], 'server_error', { attemptsMax: 2 })
      extra += tried.length - 1
    }
    expect(extra).toBeLessThanOrEqual(20 + requests * 0.1 + 1)
    expect(extra).toBeGreaterThan(requests * 0.09)
  })
})

describe('the strategy', () => {
  test('weighted sends by weight, and nothing to a weight of zero while there is another', () => {
    const it = router()
    const targets = [target('heavy', { weight: 3 }), target('light', { weight: 1 }), target('off', { weight: 0 })]
    const counts: Record<string, number> = {}
    for (let i = 0; i < 4_000; i++) {
      const id = it.ask(targets, { strategy: 'weighted' }) ?? ''
      counts[id] = (counts[id] ?? 0) + 1
    }
    expect(counts.off).toBeUndefined()
    expect((counts.heavy ?? 0) / (counts.light ?? 1)).toBeGreaterThan(2.5)
    expect((counts.heavy ?? 0) / (counts.light ?? 1)).toBeLessThan(3.5)
  })

  test('round_robin takes turns', () => {
    const it = router()
    const asked = Array.from({ length: 6 }, () => it.ask([a, b, c], { strategy: 'round_robin' }))
    expect(asked).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  })

  test('lowest_latency measures each once and then prefers the quicker one', () => {
    const it = router()
    const strategy = { strategy: 'lowest_latency' } as const
    for (const ms of [300, 20]) {
      const plan = it.plan([a, b], strategy)
      plan.first()
      plan.succeeded(ms)
    }
    expect(it.ask([a, b], strategy)).toBe('b')
  })

  test('lowest_cost prefers the cheaper one, and an unknown price comes last', () => {
    const targets = [
      target('unknown'),
      target('dear', { pricing: { inputNanos: 4n, outputNanos: 6n } }),
      target('cheap', { pricing: { inputNanos: 1n, outputNanos: 1n } }),
    ]
    expect(router().fail(targets, 'server_error', { strategy: 'lowest_cost' })).toEqual(['cheap', 'dear', 'unknown'])
  })

  test('least_busy prefers the one with fewer calls under way', () => {
    const it = router()
    const strategy = { strategy: 'least_busy' } as const
    it.plan([a, b], strategy).first()
    expect(it.ask([a, b], strategy)).toBe('b')
  })
})

describe('a conversation that sticks', () => {
  test('keeps to its target, and only those of a lost target move', () => {
    fc.assert(
      fc.property(fc.array(fc.uuid(), { minLength: 1, maxLength: 30 }), (conversations) => {
        const it = router()
        const sticky = { stickyByConversation: true }
        for (const conversation of conversations) {
          const home = it.ask([a, b, c], sticky, conversation)
          expect(it.ask([a, b, c], sticky, conversation)).toBe(home)
          const rest = [a, b, c].filter(({ id }) => id !== 'b')
          if (home !== 'b') expect(it.ask(rest, sticky, conversation)).toBe(home)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('a failure', () => {
  test.each([
    ['credential', 401, 'credential'],
    ['quota', 429, 'credential'],
    ['rate_limit', 429, 'rate_limited'],
    ['overloaded', 529, 'server_error'],
    ['server', 500, 'server_error'],
    ['server', 408, 'timeout'],
    ['server', 504, 'timeout'],
    ['invalid', 400, 'rejected'],
    ['context_length', 400, 'rejected'],
    ['content_policy', 400, 'rejected'],
  ] as const)('that a provider calls %s with status %i is %s', (kind, status, expected) => {
    expect(classOfError(kind, status)).toBe(expected)
  })

  test.each([
    ['ECONNREFUSED', 'connection'],
    ['UND_ERR_SOCKET', 'connection'],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
    ['truncated', 'invalid_answer'],
    ['caller_left', 'given_up'],
    ['address_not_allowed', 'rejected'],
  ] as const)('of the code %s is %s', (code, expected) => {
    expect(classOfCode(code)).toBe(expected)
  })

  test.each([
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 10:00:05 GMT' }, 5_000],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after': '999999999' }, 3_600_000],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '-4' }, null],
    [{}, null],
  ])('with the headers %j asks for %s ms', (headers, expected) => {
    expect(retryAfterMs(headers, Date.parse('2026-11-21T10:00:00Z'))).toBe(expected)
  })
})
