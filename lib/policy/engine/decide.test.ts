import { describe, expect, test } from 'vitest'
import { chainOf } from './chain'
import { decidePhase, decidePhaseAsync } from './decide'
import { CLEAN, type Finding, type Ports, type View } from './policy'
import { partOf, policyOf, subjectOf } from './testing'

/** Replaces every occurrence of a word with a label. */
const redacting = (kind: string, word: string, replacement: string, facts = {}) =>
  policyOf(kind, redact(word, replacement), facts)

const redact =
  (word: string, replacement: string) =>
  (view: View): Partial<Finding> => {
    const redactions = view.readable().flatMap(({ part, index }) => {
      const start = part.text.indexOf(word)
      return start === -1 ? [] : [{ part: index, start, end: start + word.length, replacement }]
    })
    return redactions.length === 0 ? {} : { verdict: 'redact', reasonCode: `${replacement}.detected`, redactions }
  }

const blocking = (kind: string) =>
  policyOf(kind, () => ({ verdict: 'block', reasonCode: `${kind}.no`, message: 'No.' }))
const NO_PORTS: Ports = { postJson: () => Promise.reject(new Error('no network')), secret: () => null }

describe('a decision', () => {
  test('is ok, and says that everything was read, when no policy has anything to say', () => {
    const reader = policyOf('reader', (view) => {
      for (const { part } of view.readable()) part.text.length
      return {}
    })
    const decision = decidePhase(chainOf([reader]), subjectOf(['hello', 'wörld']), 0)
    expect(decision).toMatchObject({ verdict: 'allow', policy: null, reasonCode: 'ok', message: null, targets: null })
    expect(decision.results).toMatchObject([
      { kind: 'reader', phase: 'input', verdict: 'allow', coverage: { rule_version: '1', bytes: 11, messages: 2 } },
    ])
  })

  test('blocks at the first policy that blocks and runs none after it', () => {
    let ran = false
    const later = policyOf('later', () => {
      ran = true
      return {}
    })
    const decision = decidePhase(chainOf([blocking('first'), blocking('second'), later]), subjectOf(['x']), 0)
    expect(decision).toMatchObject({ verdict: 'block', policy: 'first', reasonCode: 'first.no', message: 'No.' })
    expect(decision.results.map(({ kind }) => kind)).toEqual(['first'])
    expect(ran).toBe(false)
  })

  test('escalates, unless a policy after it blocks', () => {
    const escalating = policyOf('human', () => ({ verdict: 'escalate', reasonCode: 'human.needed' }))
    const subject = subjectOf(['x'])
    expect(decidePhase(chainOf([escalating, escalating]), subject, 0)).toMatchObject({
      verdict: 'escalate',
      reasonCode: 'human.needed',
    })
    const redactor = redacting('pii', 'x', '[X]')
    expect(decidePhase(chainOf([redactor, escalating]), subject, 0)).toMatchObject({
      verdict: 'escalate',
      texts: new Map([[0, '[X]']]),
    })
    expect(decidePhase(chainOf([escalating, blocking('late')]), subject, 0)).toMatchObject({
      verdict: 'block',
      policy: 'late',
    })
  })

  test('joins redactions that overlap, so that no fragment of either is left', () => {
    const chain = chainOf([redacting('a', 'secret word', '[A]'), redacting('b', 'word of mine', '[BB]')])
    const decision = decidePhase(chain, subjectOf(['my secret word of mine!']), 0)
    expect(decision.redactions).toEqual([{ part: 0, start: 3, end: 22, replacement: '[BB]' }])
    expect(decision.texts).toEqual(new Map([[0, 'my [BB]!']]))
    expect(decision).toMatchObject({ verdict: 'redact', policy: 'a', reasonCode: '[A].detected' })
  })

  test('rewrites the text as it was redacted, also by a policy further down the chain', () => {
    const shouting = policyOf('shout', (view) => ({
      rewrites: view.readable().map(({ part, index }) => ({ part: index, text: `${part.text.toUpperCase()}!` })),
    }))
    const chain = chainOf([shouting, redacting('pii', 'ada', '[name]'), shouting])
    expect(decidePhase(chain, subjectOf(['call ada', 'now']), 0).texts).toEqual(
      new Map([
        [0, 'CALL [NAME]!!'],
        [1, 'NOW!!'],
      ]),
    )
  })

  test('leaves the targets that every policy allows', () => {
    const chain = chainOf([
      policyOf('a', () => ({ targets: ['x', 'y'] })),
      policyOf('b', () => ({})),
      policyOf('c', () => ({ targets: ['y', 'z'] })),
    ])
    expect(decidePhase(chain, subjectOf(['x']), 0).targets).toEqual(['y'])
  })

  test('takes only the policies of its phase', () => {
    const chain = chainOf([blocking('in'), { ...blocking('out'), phases: ['output'] }])
    expect(decidePhase(chain, subjectOf(['x'], { phase: 'output' }), 0).policy).toBe('in')
    expect(decidePhase(chainOf([{ ...blocking('out'), phases: ['output'] }]), subjectOf(['x']), 0).verdict).toBe(
      'allow',
    )
  })

  test('repeats itself: same chain, same subject, same time', () => {
    const chain = chainOf([redacting('a', 'b', '[X]'), redacting('c', 'bc', '[Y]')])
    const subject = subjectOf(['abc', 'xbcx'])
    expect(decidePhase(chain, subject, 5)).toEqual(decidePhase(chain, subject, 5))
  })
})

describe('a policy that fails', () => {
  const throwing = (onError: 'deny' | 'allow') =>
    policyOf(
      'broken',
      () => {
        throw new TypeError('cannot read "my card number"')
      },
      { onError },
    )

  test('blocks under on_error: deny; record and caller learn that, and neither what it stumbled over', () => {
    const decision = decidePhase(chainOf([throwing('deny')]), subjectOf(['x']), 0)
    expect(decision).toMatchObject({ verdict: 'block', policy: 'broken', reasonCode: 'policy.error' })
    expect(decision.results[0]?.coverage.skipped).toEqual([{ what: 'broken', why: 'TypeError' }])
    expect(decision.message).not.toMatch(/TypeError|card/)
    expect(decision.failures).toHaveLength(1)
  })

  test('is passed over under on_error: allow, which the record says', () => {
    const decision = decidePhase(chainOf([throwing('allow'), redacting('a', 'x', '[X]')]), subjectOf(['x']), 0)
    expect(decision).toMatchObject({ verdict: 'redact', flags: ['policy.error'] })
    expect(decision.results[0]).toMatchObject({ verdict: 'allow', reason_code: 'policy.error' })
  })

  test.each([
    ['redacts past the end', { redactions: [{ part: 0, start: 0, end: 99, replacement: '' }] }],
    ['redacts backwards', { redactions: [{ part: 0, start: 1, end: 0, replacement: '' }] }],
    ['rewrites what is not there', { rewrites: [{ part: 7, text: '' }] }],
  ])('counts as failed when it %s', (_, finding) => {
    expect(decidePhase(chainOf([policyOf('odd', () => finding)]), subjectOf(['x']), 0).reasonCode).toBe('policy.error')
  })

  test('counts as failed when it takes longer than it may', () => {
    let nowMs = 0
    const clock = () => {
      nowMs += 600
      return nowMs
    }
    const chain = chainOf([policyOf('slow', () => ({}))], { clock, policyMsMax: 500 })
    expect(decidePhase(chain, subjectOf(['x']), 0)).toMatchObject({ verdict: 'block', reasonCode: 'policy.error' })
  })
})

describe('a policy that may not read everything', () => {
  const limited = (onError: 'deny' | 'allow') => redacting('small', 'b', '[B]', { bytesMax: 4, onError })

  test('blocks under on_error: deny, because what it did not read could hold anything', () => {
    const { verdict, reasonCode } = decidePhase(chainOf([limited('deny')]), subjectOf(['ab', 'b'.repeat(5)]), 0)
    expect({ verdict, reasonCode }).toEqual({ verdict: 'block', reasonCode: 'policy.error' })
  })

  test('says under on_error: allow what it left out, and counts only what it read', () => {
    const decision = decidePhase(chainOf([limited('allow')]), subjectOf(['ab', 'b'.repeat(5)]), 0)
    expect(decision.texts).toEqual(new Map([[0, 'a[B]']]))
    expect(decision.results[0]?.coverage).toMatchObject({
      bytes: 2,
      messages: 1,
      skipped: [{ what: 'messages.1.content', why: 'over 4 bytes' }],
    })
  })
})

describe('coverage', () => {
  test('counts a part only when the policy took it up', () => {
    const first = policyOf('first', (view) => {
      view.hits(view.readable()[0]?.index ?? 0)
      return {}
    })
    const blind = policyOf('blind', () => ({}))
    const { results } = decidePhase(chainOf([first, blind]), subjectOf(['12345', '678']), 0)
    expect(results.map(({ coverage }) => [coverage.bytes, coverage.messages])).toEqual([
      [5, 1],
      [0, 0],
    ])
  })

  test('names what is no text and what the walk left out', () => {
    const reader = redacting('reader', 'q', '')
    const image = partOf('', { kind: 'image' })
    const skipped = [{ what: 'input', why: 'token numbers' }]
    const subject = subjectOf([], { parts: [partOf('x'), image, image], skipped })
    expect(decidePhase(chainOf([reader]), subject, 0).results[0]?.coverage.skipped).toEqual([
      ...skipped,
      { what: 'image (2)', why: 'not text' },
    ])
  })
})

describe('policies that ask others', () => {
  test('are not left out: a decision without them is an error', () => {
    const asking = policyOf('judge', () => ({}), { ask: async () => ({ ...CLEAN }) })
    expect(() => decidePhase(chainOf([asking]), subjectOf(['x']), 0)).toThrow('cannot be decided at once')
  })

  test('see redacted text; what they find in it lands where it was in the original', async () => {
    const seen: string[] = []
    const asking = policyOf('judge', () => ({}), {
      ask: async (view) => {
        for (const { part } of view.readable()) seen.push(part.text)
        return { ...CLEAN, ...redact('bob', '[2]')(view) }
      },
    })
    const chain = chainOf([asking, redacting('pii', 'ada lovelace', '[1]')])
    const decision = await decidePhaseAsync(chain, subjectOf(['ada lovelace and bob']), 0, NO_PORTS)
    expect(seen).toEqual(['[1] and bob'])
    expect(decision.texts).toEqual(new Map([[0, '[1] and [2]']]))
  })

  test('are not asked once a policy blocked', async () => {
    let asked = false
    const asking = policyOf('judge', () => ({}), {
      ask: async () => {
        asked = true
        return CLEAN
      },
    })
    const decision = await decidePhaseAsync(chainOf([asking, blocking('no')]), subjectOf(['x']), 0, NO_PORTS)
    expect([decision.verdict, decision.results.length, asked]).toEqual(['block', 2, false])
  })

  test('fail as others do when nobody answers', async () => {
    const asking = policyOf('judge', () => ({}), {
      ask: async (_, ports) => {
        await ports.postJson('https://judge.example', {}, { headers: {}, timeoutMs: 1 })
        return CLEAN
      },
    })
    const decision = await decidePhaseAsync(chainOf([asking]), subjectOf(['x']), 0, NO_PORTS)
    expect(decision).toMatchObject({ verdict: 'block', reasonCode: 'policy.error' })
  })

  test('answer at once in a phase in which nobody asks', () => {
    expect(decidePhaseAsync(chainOf([blocking('no')]), subjectOf(['x']), 0, NO_PORTS)).not.toBeInstanceOf(Promise)
  })
})
