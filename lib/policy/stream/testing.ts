import { chainOf } from '@/lib/policy/engine/chain'
import { normalise } from '@/lib/policy/engine/normalise'
import { CLEAN, type Finding, type Policy, type Span, type Streaming } from '@/lib/policy/engine/policy'
import type { Subject } from '@/lib/policy/engine/subject'
import { AnswerStream, type AnswerStreamOptions } from './answer-stream'
import { pendingTail, pendingTerms } from './pending'
import { type AnswerRules, type DecideCalls, rulesOf } from './rules'
import { encodeEvent, readFrame, SseDecoder } from './sse'
import type { AnswerShape } from './usage'

type Action = 'redact' | 'block'

export const SUBJECT: Subject = {
  phase: 'output',
  apiShape: 'openai_chat',
  model: 'm',
  parts: [],
  toolCalls: [],
  tools: [],
  caller: { identity: 'verified', tokenId: null, teamId: null, userId: null, agentId: null, ip: '::1', headers: {} },
  targets: [],
  conversation: null,
  requestParts: [],
}

const BASE = {
  version: '1',
  phases: ['output'],
  terms: [],
  onError: 'deny',
  explain: [],
  bytesMax: 1_000_000,
} as const satisfies Partial<Policy>

function finding(action: Action, found: readonly (Span & { part: number })[]): Finding {
  if (found.length === 0) return CLEAN
  const detections = found.map((span) => ({ ...span, rule: 'test' }))
  if (action === 'block') return { ...CLEAN, verdict: 'block', reasonCode: 'test.blocked', message: 'No.', detections }
  const redactions = found.map((span) => ({ ...span, replacement: `[${span.end - span.start}]` }))
  return { ...CLEAN, verdict: 'redact', reasonCode: 'test.redacted', redactions, detections }
}

/** Looks for words on normalised text, as the kinds with term lists do. */
export function termPolicy(texts: readonly string[], action: Action, wholeWord = false): Policy {
  const terms = texts.map((text) => ({ text, wholeWord }))
  return {
    ...BASE,
    kind: `terms-${action}`,
    terms,
    streaming: { pendingFrom: pendingTerms(terms, normalise), lookBehind: wholeWord ? 2 : 0 },
    check: (view) =>
      finding(
        action,
        view.readable().flatMap(({ index }) => view.hits(index).map(({ start, end }) => ({ start, end, part: index }))),
      ),
  }
}

/** Looks for a pattern, as the kinds with user-written ones do. */
export function patternPolicy(pattern: RegExp, streaming: Streaming | number, action: Action): Policy {
  const own: Streaming =
    typeof streaming === 'number'
      ? { pendingFrom: pendingTail({ lengthMax: streaming }), lookBehind: streaming + 1 }
      : streaming
  return {
    ...BASE,
    kind: `pattern-${action}`,
    streaming: own,
    check: (view) =>
      finding(
        action,
        view.readable().flatMap(({ part, index }) =>
          [...part.text.matchAll(pattern)].map((match) => ({
            start: match.index,
            end: match.index + match[0].length,
            part: index,
          })),
        ),
      ),
  }
}

/** Turns the whole answer into another, which takes all of it. */
export function rewritePolicy(rewrite: (text: string) => string): Policy {
  return {
    ...BASE,
    kind: 'rewrite',
    streaming: 'buffered',
    check: (view) => ({
      ...CLEAN,
      rewrites: view.readable().map(({ part, index }) => ({ part: index, text: rewrite(part.text) })),
    }),
  }
}

const PORTS = {
  postJson: () => Promise.reject(new Error('nobody is asked here')),
  secret: () => null,
}

export function rulesFor(policies: readonly Policy[], decideCalls: DecideCalls | null = null): AnswerRules {
  const rules = rulesOf(chainOf(policies), 0, PORTS, decideCalls)
  if (rules === null) throw new Error('There are no policies.')
  return rules
}

export function answerStream(
  shape: AnswerShape,
  rules: AnswerRules | null,
  options: Partial<AnswerStreamOptions> = {},
): AnswerStream {
  return new AnswerStream({
    shape,
    rules,
    subject: SUBJECT,
    heldBytesMax: 1_000_000,
    hideUsage: false,
    errorOf: ({ reasonCode }) => ({ message: 'stopped', code: reasonCode }),
    ...options,
  })
}

export const bytesOf = (text: string) => new TextEncoder().encode(text)
export const stringOf = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes ?? new Uint8Array(0))

/** Cuts bytes or text at these places, taken modulo the length. */
export function cutAt<T extends Uint8Array | string>(whole: T, cuts: readonly number[]): T[] {
  const at = [...new Set([0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => whole.slice(at[index], end) as T)
}

export const dataFrame = (json: unknown) => encodeEvent({ data: JSON.stringify(json) })

/** What a client of the shape has when it has read these bytes: the JSON of every frame, in order. */
export function framesOf(bytes: Uint8Array): { data: string; json: ReturnType<typeof JSON.parse> }[] {
  const decoder = new SseDecoder(10_000_000)
  const frames = decoder.push(bytes)
  const rest = decoder.end()
  return [...frames, ...(rest === null ? [] : [rest])].flatMap((frame) => {
    const { data } = readFrame(frame)
    if (data === null) return []
    return [{ data, json: data.startsWith('{') ? JSON.parse(data) : null }]
  })
}

/** Pushes everything and gives back what came after each push and at the end. */
export async function runStream(
  stream: AnswerStream,
  chunks: readonly Uint8Array[],
  afterEach?: (sofar: string) => void,
) {
  let out = ''
  const decoder = new TextDecoder()
  for (const chunk of chunks) {
    const passed = stream.push(chunk)
    if (passed === null) continue
    out += decoder.decode(passed, { stream: true })
    afterEach?.(out)
  }
  const last = await stream.end()
  return { passed: out, last: stringOf(last), all: out + stringOf(last) }
}
