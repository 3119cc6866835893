import type { IncomingHttpHeaders } from 'node:http'
import { isNestedDeeper } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'
import type { TokenUsage } from '@/lib/token-usage'
import type { Ask } from './ask'
import { Refusal } from './errors'
import { fieldsOf, readUsage } from './meter'
import { convertedAnswer, type Outgoing } from './outgoing'
import type { Log } from './plane'
import { type Json, ProviderFault } from './providers/adapter'
import type { Relay } from './relay'
import { classOfCode, classOfError, type FailureClass, retryAfterMs } from './routing/failure-class'
import { type CallEnd, isPlain, type WatchedCall } from './upstream-call'
import { refusalOfStatus } from './upstream-failure'

/** How the attempts of a request ended. */
export type AttemptsEnd =
  /**
   * A complete answer in the caller's shape. `body` holds its bytes when they are the provider's own; what is not JSON has
   * its words in `json.text`.
   */
  | {
      kind: 'answer'
      headers: IncomingHttpHeaders
      contentType: string
      json: Json
      body: Buffer | null
      usage: TokenUsage | null
    }
  /** The provider refused the request itself, in the caller's shape. */
  | { kind: 'rejected'; status: number; headers: IncomingHttpHeaders; body: Buffer }
  /** A stream that began; `refusal` says why when it did not come to its end. */
  | { kind: 'stream'; relay: Relay; refusal: Refusal | null }
  | { kind: 'failed'; refusal: Refusal }

/** Of the request that was sent. `headers` are the caller's. */
type JudgedAsk = { ask: Ask; requestId: string; nowWallMs: number; headers: IncomingHttpHeaders; plane: { log: Log } }

/** `bodyPatienceMs` is the wait that the provider asked for in its body; its header says it otherwise. */
type Judged = { result: AttemptsEnd; failure: FailureClass | null; bodyPatienceMs?: number | null }

export const UNEXPECTED = 'Something went wrong in the gateway.'

/**
 * What the end of a call means for its request and for its target. Never throws: nobody would catch it, and the request would
 * wait for ever.
 */
export function judgedCall(end: CallEnd, call: WatchedCall, outgoing: Outgoing, asked: JudgedAsk): Judged {
  try {
    return judged(end, call, outgoing, asked)
  } catch (cause) {
    asked.plane.log.error({ err: cause, request_id: asked.requestId }, 'unexpected failure')
    call.error = 'internal_error'
    return {
      result: { kind: 'failed', refusal: new Refusal('internal_error', UNEXPECTED, { cause }) },
      failure: 'given_up',
    }
  }
}

function judged(end: CallEnd, call: WatchedCall, outgoing: Outgoing, asked: JudgedAsk): Judged {
  if (end.kind === 'failed') return { result: end, failure: classOfCode(call.error ?? '') }
  if (end.kind === 'stream') {
    if (end.relay.failed) call.error ??= 'error_in_stream'
    const isWell = end.refusal === null && !end.relay.failed
    return { result: end, failure: isWell ? null : classOfCode(call.error ?? 'error_in_stream') }
  }
  return end.status >= 200 && end.status < 300
    ? judgedAnswer(end, call, outgoing, asked)
    : judgedRefusal(end, call, outgoing, asked)
}

function judgedAnswer(
  { headers, body }: CallEnd & { kind: 'whole' },
  call: WatchedCall,
  outgoing: Outgoing,
  asked: JudgedAsk,
): Judged {
  const { ask } = asked
  if (ask.form !== null && isPlain(headers) && isText(headers)) {
    const contentType = headers['content-type'] ?? 'text/plain'
    const json = { text: body.toString('utf8') }
    return { result: { kind: 'answer', headers, contentType, json, body, usage: null }, failure: null }
  }
  const given = isPlain(headers) ? parseFields(body) : null
  try {
    if (given === null) throw invalidAnswer()
    if (outgoing.isNative) {
      const usage = readUsage(given)
      if (fieldsOf(given.error) !== null && !(ANSWER_FIELD[ask.surface.shape] in given)) {
        call.usage = usage
        throw invalidAnswer()
      }
      call.isAnsweredLater = usage === null && (call.status === ACCEPTED || LATER.has(given.status))
      return {
        result: { kind: 'answer', headers, contentType: JSON_TYPE, json: given, body, usage },
        failure: null,
      }
    }
    const { requestId, nowWallMs: nowMs, headers: callers } = asked
    const { json, usage } = convertedAnswer(given, outgoing, ask, { requestId, nowMs, headers: callers })
    return {
      result: { kind: 'answer', headers, contentType: JSON_TYPE, json, body: null, usage },
      failure: null,
    }
  } catch (cause) {
    const isExpected = cause instanceof ProviderFault || cause instanceof Refusal
    const { log } = asked.plane
    if (!isExpected) log.error({ err: cause, request_id: asked.requestId }, 'an answer could not be read')
    call.error = given === null || !isExpected ? 'invalid_answer' : 'error_with_success_status'
    const message = cause instanceof ProviderFault ? cause.error.message : NO_ANSWER
    const refusal = cause instanceof Refusal ? cause : new Refusal('upstream_failed', message, { cause })
    return { result: { kind: 'failed', refusal }, failure: 'invalid_answer' }
  }
}

function judgedRefusal(
  { status, headers, body }: CallEnd & { kind: 'whole' },
  call: WatchedCall,
  outgoing: Outgoing,
  asked: JudgedAsk,
): Judged {
  const given = isPlain(headers) ? parseFields(body) : null
  const error = outgoing.adapter.error(status, given)
  const failure = classOfError(error.kind, status)
  call.error = `http_${status}`
  if (failure === 'credential' && status !== 403) {
    const refusal = new Refusal('upstream_credentials_exhausted', NO_CREDENTIALS)
    return { result: { kind: 'failed', refusal }, failure }
  }
  const saidSeconds = error.retryAfterSeconds
  const bodyPatienceMs = saidSeconds === null ? null : Math.min(saidSeconds, PATIENCE_SECONDS_MAX) * 1_000
  const refusal = refusalOfStatus(status, headers, given !== null)
  if (refusal !== null) return { result: { kind: 'failed', refusal }, failure, bodyPatienceMs }
  if (outgoing.isNative) return { result: { kind: 'rejected', status, headers, body }, failure, bodyPatienceMs }
  const patienceMs = retryAfterMs(headers, asked.nowWallMs) ?? bodyPatienceMs
  const said = new Refusal('upstream_rejected', error.message, {
    status,
    retryable: error.retryable,
    retryAfterSeconds: patienceMs === null ? undefined : Math.ceil(patienceMs / 1_000),
  })
  return { result: { kind: 'failed', refusal: said }, failure, bodyPatienceMs }
}

/** Taken, and not answered yet (RFC 9110, section 15.3.3). */
const ACCEPTED = 202
/** What a response says of itself that is not there yet. */
const LATER: ReadonlySet<unknown> = new Set(['queued', 'in_progress'])
/** Nobody waits for longer, whatever a provider asks. */
const PATIENCE_SECONDS_MAX = 3_600
const JSON_TYPE = 'application/json'
/** A transcript as subtitles or as plain words. */
const isText = (headers: IncomingHttpHeaders) =>
  /^(?:text\/(?:plain|vtt|srt)|application\/x-subrip)\s*(?:;|$)/i.test(headers['content-type'] ?? '')

const NO_CREDENTIALS = 'The provider did not accept the credentials of this gateway.'

/** What an answer of a shape has and an error has not. */
const ANSWER_FIELD = {
  openai_chat: 'choices',
  openai_responses: 'output',
  anthropic_messages: 'content',
  gemini_content: 'candidates',
  gemini_embeddings: 'embeddings',
  openai_embeddings: 'data',
  audio_transcriptions: 'text',
  audio_speech: 'audio',
} as const

const NO_ANSWER = 'The provider answered with something that is not an answer.'
const invalidAnswer = () => new Refusal('upstream_failed', NO_ANSWER)

function parseFields(body: Buffer): Json | null {
  try {
    const value: unknown = parseJson(body.toString('utf8'))
    return isNestedDeeper(value) ? null : fieldsOf(value)
  } catch {
    return null // not JSON: whoever asked decides what that means
  }
}
