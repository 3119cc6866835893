import type { Target } from '@/lib/policy/compile'
import type { Chain } from '@/lib/policy/engine/chain'
import { rulesOf } from '@/lib/policy/stream/rules'
import type { AnswerShape } from '@/lib/policy/stream/usage'
import type { Ask } from './ask'
import { callerOf, holderOf } from './caller'
import { Refusal } from './errors'
import type { Facts } from './facts'
import { GovernedRelay } from './governed-relay'
import { CALL_PHASES, Governor } from './governor'
import { plainHeader } from './headers'
import type { Plane } from './plane'
import type { Json } from './providers/adapter'
import type { Relay } from './relay'
import { controlPlaneNowMs } from './snapshot'
import { StreamRelay } from './stream'
import { NOTHING_WALKED, WALKS } from './walks'

/** Which conversation of its caller a request belongs to, as it says itself. */
export const conversationOf = ({ headers }: Facts): string | null => plainHeader(headers['x-conversation-id'], 128)

/** Puts the policies of a chain before one request. */
export function governorOf(
  { ports, log, conversations }: Plane,
  facts: Facts,
  { surface, model }: Ask,
  chain: Chain,
  targets: readonly Target[],
): Governor {
  const { key, clientIp, headers, snapshot } = facts
  const nowMs = controlPlaneNowMs(snapshot)
  const holder = holderOf(key, clientIp)
  return new Governor(
    chain,
    { apiShape: surface.shape, model, targets, caller: () => callerOf(key, headers, clientIp) },
    { nowMs, ports, log, conversation: () => conversations.of(holder, conversationOf(facts), nowMs) },
  )
}

/**
 * Output policies on sound, of which nothing can be read: they are asked before it is made, so that one that refuses what
 * it cannot read costs nothing. A transcript is read, but only as a whole.
 *
 * @throws Refusal, or rejects with it
 */
export function passUnheard({ surface, stream }: Ask, governor: Governor): unknown {
  if (!governor.runs('output')) return null
  if (surface.shape === 'audio_speech') return governor.pass('output', NO_BODY, WALKS.audio_speech.answer)
  if (surface.shape !== 'audio_transcriptions' || !stream) return null
  throw new Refusal('invalid_request', 'Policies read transcripts as a whole: send stream=false.', { param: 'stream' })
}

const NO_BODY: Json = {}

type Streamed = {
  ask: Ask
  governor: Governor
  requestId: string
  nowMs: number
  heldBytesMax: number
  hideUsage: boolean
}

const isStreamed = (shape: string): shape is AnswerShape => STREAMED.includes(shape)
const STREAMED: readonly string[] = ['openai_chat', 'openai_responses', 'anthropic_messages', 'gemini_content']

/** What a stream goes through on its way to the caller: bytes as they come where no policy looks. */
export function relayOf(
  { ports }: Plane,
  { ask, governor, requestId, nowMs, heldBytesMax, hideUsage }: Streamed,
): Relay {
  const { shape } = ask.surface
  const hasRules = governor.runs('tool') || governor.runs('output')
  const rules = rulesOf(
    governor.chain,
    nowMs,
    ports,
    hasRules ? (calls) => governor.decideCalls(calls, CALL_PHASES) : null,
  )
  if (rules === null && shape === 'openai_chat') return new StreamRelay(hideUsage)
  if (!isStreamed(shape)) throw new Error(`${shape} does not stream`)
  const errorOf = (refusal: Refusal) => {
    const { error } = ask.surface.refuse(refusal, requestId)
    return typeof error === 'object' && error !== null ? error : {}
  }
  const subject = governor.subjectOf('output', NOTHING_WALKED)
  // A frame may hold a picture; what it may not is be longer than an answer.
  const frameBytesMax = heldBytesMax
  return new GovernedRelay({ shape, rules, subject, heldBytesMax, frameBytesMax, hideUsage }, governor, errorOf)
}
