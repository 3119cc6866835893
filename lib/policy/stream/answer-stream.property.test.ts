import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy } from '@/lib/policy/engine/policy'
import { redactText } from '@/lib/policy/engine/redact'
import { joinBytes } from './sse'
import {
  answerStream,
  bytesOf,
  cutAt,
  dataFrame,
  framesOf,
  patternPolicy,
  rewritePolicy,
  rulesFor,
  runStream,
  SUBJECT,
  termPolicy,
} from './testing'
import type { AnswerShape } from './usage'
import { governWhole } from './whole'

const PIECES = [
  'a',
  'b',
  'ab',
  'secret',
  'sec',
  'ret',
  'Se',
  'assistant',
  'ass',
  ' ',
  '\n',
  '\r\n',
  '"',
  '\\',
  '1',
  '23',
  '456',
  '-',
  '猫',
  '犬',
  '🙂',
  '👩‍👩‍👧',
  'e',
  '\u0301',
  'café',
  'ﬁ',
  '\u200b',
  'x@y.z',
  '.',
]

const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(''))
const cuts = fc.array(fc.nat(5000), { maxLength: 40 })
const term = fc.array(fc.constantFrom('a', 'b', 'secret', 'ass', '猫', '🙂', 'café', ' ', '1', 'é'), {
  minLength: 1,
  maxLength: 3,
})

const PATTERNS: [RegExp, number][] = [
  [/\b\d{1,3}-\d{1,3}\b/g, 7],
  [/[a-z]{1,4}@[a-z]{1,4}\.[a-z]{1,3}/g, 13],
  [/secret|sec(?=\W)/gi, 6],
  [/猫.{0,3}犬/gs, 8],
  [/\bass\b/g, 3],
  [/\\"?/g, 2],
]

const policyOf = (action: 'redact' | 'block'): fc.Arbitrary<Policy> =>
  fc.oneof(
    fc.tuple(fc.array(term, { minLength: 1, maxLength: 3 }), fc.boolean()).map(([terms, wholeWord]) =>
      termPolicy(
        // Settings cut blanks off the ends of a term and refuse what is left of blanks alone.
        terms.map((pieces) => pieces.join('').trim() || 'secret'),
        action,
        wholeWord,
      ),
    ),
    fc.constantFrom(...PATTERNS).map(([pattern, lengthMax]) => patternPolicy(pattern, lengthMax, action)),
  )

const usageOf = (shape: AnswerShape) =>
  shape === 'openai_chat' ? [{ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }] : []

/** The frames in which a provider of the shape says this text in these pieces. */
function framesFor(shape: AnswerShape, pieces: readonly string[]): Uint8Array[] {
  const whole = pieces.join('')
  if (shape === 'openai_chat') {
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      model: 'm',
      choices: [{ index: 0, delta, finish_reason }],
    })
    const said = pieces.map((content, index) =>
      chunk({ content }, index === pieces.length - 1 && whole.length % 2 ? 'stop' : null),
    )
    const frames = [
      chunk({ role: 'assistant', content: '' }),
      ...said,
      ...(whole.length % 2 ? [] : [chunk({}, 'stop')]),
      ...usageOf(shape),
    ]
    return [...frames.map(dataFrame), bytesOf('data: [DONE]\n\n')]
  }
  if (shape === 'anthropic_messages') {
    const said = pieces.map((piece) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: piece },
    }))
    return [
      { type: 'message_start', message: { model: 'm', content: [], usage: { input_tokens: 1, output_tokens: 0 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      ...said,
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ].map(dataFrame)
  }
  if (shape === 'gemini_content') {
    const response = (text: string, more: object = {}) => ({
      candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...more }],
      usageMetadata: { promptTokenCount: 1 },
      modelVersion: 'm',
    })
    // The last words come with the reason or before it.
    const isWithLast = pieces.length > 0 && whole.length % 2 === 1
    const said = pieces.map((piece, at) =>
      response(piece, isWithLast && at === pieces.length - 1 ? { finishReason: 'STOP' } : {}),
    )
    return [...said, ...(isWithLast ? [] : [response('', { finishReason: 'STOP' })])].map(dataFrame)
  }
  const place = { item_id: 'i', output_index: 0, content_index: 0 }
  const item = {
    type: 'message',
    id: 'i',
    role: 'assistant',
    content: [{ type: 'output_text', text: whole, annotations: [] }],
  }
  return [
    { type: 'response.created', response: { model: 'm', output: [] } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    ...pieces.map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text: whole },
    { type: 'response.content_part.done', ...place, part: item.content[0] },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { model: 'm', status: 'completed', output: [item] } },
  ].map(dataFrame)
}

function textIn(shape: AnswerShape, all: string): string {
  const frames = framesOf(bytesOf(all))
  if (shape === 'openai_chat') return frames.map(({ json }) => json?.choices?.[0]?.delta?.content ?? '').join('')
  if (shape === 'anthropic_messages') return frames.map(({ json }) => json?.delta?.text ?? '').join('')
  if (shape === 'gemini_content') {
    return frames.map(({ json }) => json?.candidates?.[0]?.content.parts[0].text ?? '').join('')
  }
  return frames.map(({ json }) => json?.delta ?? '').join('')
}

const shape = fc.constantFrom<AnswerShape>('openai_chat', 'anthropic_messages', 'openai_responses', 'gemini_content')

describe('a governed stream', () => {
  it('says exactly what the policies make of the whole, and never more on the way', async () => {
    await fc.assert(
      fc.asyncProperty(
        shape,
        text,
        cuts,
        cuts,
        fc.array(policyOf('redact'), { minLength: 1, maxLength: 3 }),
        async (as, said, textCuts, byteCuts, policies) => {
          const rules = rulesFor(policies)
          const whole = governWhole(rules, SUBJECT, said).text ?? ''
          const bytes = joinBytes(framesFor(as, cutAt(said, textCuts))) ?? new Uint8Array(0)
          const stream = answerStream(as, rules)
          const { all } = await runStream(stream, cutAt(bytes, byteCuts), (sofar) => {
            expect(whole.startsWith(textIn(as, sofar))).toBe(true)
          })
          expect(textIn(as, all)).toBe(whole)
          expect(stream.outcome.verdict).toBe(governWhole(rules, SUBJECT, said).decision.verdict)
          expect(stream.facts.complete).toBe(true)
          if (as === 'openai_responses') {
            for (const { json } of framesOf(bytesOf(all))) {
              const repeated = json?.text ?? json?.part?.text ?? json?.response?.output[0]?.content[0].text
              if (repeated !== undefined) expect(repeated).toBe(whole)
            }
          }
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('says no character of what it is stopped for, nor anything after it', async () => {
    await fc.assert(
      fc.asyncProperty(shape, text, cuts, cuts, policyOf('block'), async (as, said, textCuts, byteCuts, policy) => {
        const rules = rulesFor([policy])
        const { text: whole, decision } = governWhole(rules, SUBJECT, said)
        const until = Math.min(said.length, ...decision.detections.map(({ start }) => start))
        const bytes = joinBytes(framesFor(as, cutAt(said, textCuts))) ?? new Uint8Array(0)
        const stream = answerStream(as, rules)
        const { all, passed } = await runStream(stream, cutAt(bytes, byteCuts))
        expect(said.slice(0, until).startsWith(textIn(as, passed))).toBe(true)
        expect(stream.outcome.verdict).toBe(whole === null ? 'block' : 'allow')
        if (whole === null) {
          expect(said.slice(0, until).startsWith(textIn(as, all))).toBe(true)
          expect(all).toContain('test.blocked')
          for (const end of ['[DONE]', 'message_stop', 'response.completed', 'finishReason'])
            expect(all).not.toContain(end)
        } else expect(textIn(as, all)).toBe(said)
      }),
      { numRuns: 1500 },
    )
  })

  it('is stopped by a block among redactions exactly when the whole is, and shows a beginning of the redacted whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        cuts,
        cuts,
        policyOf('redact'),
        policyOf('block'),
        async (said, textCuts, byteCuts, cut, block) => {
          const redacted = governWhole(rulesFor([cut]), SUBJECT, said)
          const rules = rulesFor([cut, block])
          const isBlocked = governWhole(rules, SUBJECT, said).text === null
          const bytes = joinBytes(framesFor('openai_chat', cutAt(said, textCuts))) ?? new Uint8Array(0)
          const stream = answerStream('openai_chat', rules)
          const { all } = await runStream(stream, cutAt(bytes, byteCuts))
          expect(stream.isStopped).toBe(isBlocked)
          expect((redacted.text ?? '').startsWith(textIn('openai_chat', all))).toBe(true)
        },
      ),
      { numRuns: 600 },
    )
  })

  it('with a buffered policy says nothing before the end, and then what the whole becomes', async () => {
    await fc.assert(
      fc.asyncProperty(shape, text, cuts, cuts, policyOf('redact'), async (as, said, textCuts, byteCuts, policy) => {
        const rules = rulesFor([policy, rewritePolicy((whole) => `<${whole}>`)])
        const whole = governWhole(rules, SUBJECT, said).text
        const bytes = joinBytes(framesFor(as, cutAt(said, textCuts))) ?? new Uint8Array(0)
        const { all, passed } = await runStream(answerStream(as, rules), cutAt(bytes, byteCuts))
        expect(textIn(as, passed)).toBe('')
        expect(textIn(as, all)).toBe(said === '' ? '' : whole)
      }),
      { numRuns: 300 },
    )
  })

  it('keeps choices and reasoning apart however they are interleaved', async () => {
    const said = fc.array(
      fc.record({
        choice: fc.nat(1),
        field: fc.constantFrom('content', 'reasoning_content'),
        piece: fc.constantFrom(...PIECES),
      }),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(said, cuts, policyOf('redact'), policyOf('redact'), async (pieces, byteCuts, one, other) => {
        const rules = rulesFor([one, other])
        const frames = pieces.map(({ choice, field, piece }) =>
          dataFrame({ choices: [{ index: choice, delta: { [field]: piece }, finish_reason: null }] }),
        )
        const ends = [0, 1].map((index) => dataFrame({ choices: [{ index, delta: {}, finish_reason: 'stop' }] }))
        const bytes = joinBytes([...frames, ...ends, bytesOf('data: [DONE]\n\n')]) ?? new Uint8Array(0)
        const laneIn = (all: string, index: number, field: string) =>
          framesOf(bytesOf(all))
            .map(({ json }) => (json?.choices[0].index === index ? (json.choices[0].delta[field] ?? '') : ''))
            .join('')
        const wholes = [0, 1].flatMap((choice) =>
          ['content', 'reasoning_content'].map((field) => {
            const own = pieces.filter((piece) => piece.choice === choice && piece.field === field)
            return {
              choice,
              field,
              whole: governWhole(rules, SUBJECT, own.map(({ piece }) => piece).join('')).text ?? '',
            }
          }),
        )
        const { all } = await runStream(answerStream('openai_chat', rules), cutAt(bytes, byteCuts), (sofar) => {
          for (const { choice, field, whole } of wholes)
            expect(whole.startsWith(laneIn(sofar, choice, field))).toBe(true)
        })
        for (const { choice, field, whole } of wholes) {
          expect(laneIn(all, choice, field)).toBe(whole)
          const frames = framesOf(bytesOf(all))
          const end = frames.findIndex(
            ({ json }) => json?.choices[0].index === choice && json.choices[0].finish_reason !== null,
          )
          const last = frames.findLastIndex(
            ({ json }) => json?.choices[0].index === choice && json.choices[0].delta[field],
          )
          expect(last).toBeLessThanOrEqual(end)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('passes frames of whole characters that hold nothing to change byte for byte', async () => {
    const rules = rulesFor([termPolicy(['~ never there'], 'redact')])
    await fc.assert(
      fc.asyncProperty(shape, text, cuts, cuts, async (as, said, textCuts, byteCuts) => {
        const pieces = cutAt(said, textCuts)
        // Half of a character waits for the other half, and lets what stands before it go first.
        fc.pre(pieces.every((piece) => piece.isWellFormed()))
        const bytes = joinBytes(framesFor(as, pieces)) ?? new Uint8Array(0)
        for (const own of [rules, null]) {
          const { all } = await runStream(answerStream(as, own), cutAt(bytes, byteCuts))
          expect(all).toBe(new TextDecoder().decode(bytes))
        }
      }),
      { numRuns: 200 },
    )
  })
})

it('is compared with the same redaction that the whole gets', () => {
  const { text: whole, decision } = governWhole(rulesFor([termPolicy(['b'], 'redact')]), SUBJECT, 'abc')
  expect(whole).toBe(redactText('abc', decision.redactions))
  expect(whole).toBe('a[1]c')
})
