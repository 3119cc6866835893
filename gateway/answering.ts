import type { IncomingHttpHeaders } from 'node:http'
import { hasRepeatedKeys } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'
import { mayHoldLogprobs, withoutStrayLogprobs } from '@/lib/policy/walk/logprobs'
import { serviceTierIn } from '@/lib/prices/service-tier'
import type { TokenUsage } from '@/lib/token-usage'
import type { ByteShare } from './byte-budget'
import type { CacheVisit } from './cache/cache-visit'
import { Refusal } from './errors'
import { verdictOf } from './event'
import type { Facts, Outcome, Said } from './facts'
import { passedHeaders } from './headers'
import { fieldsOfHoldings, giveBack } from './holdings'
import type { CallerResponse } from './http/caller-http'
import type { AttemptsEnd } from './judged-call'
import type { Plane } from './plane'
import type { Json } from './providers/adapter'
import { keepRecord } from './record'
import { NOTHING, Reply } from './reply'
import { controlPlaneNowMs } from './snapshot'
import type { Steps } from './steps'
import type { JsonArray } from './surfaces/json-array'
import type { Surface } from './surfaces/surface'
import { isEventStream } from './upstream-call'
import { isRepeatable } from './upstream-failure'
import { asClientsRead, WALKS, walkLeaves, withoutPieces } from './walks'

type Given = {
  plane: Plane
  surface: Surface
  facts: Facts
  response: CallerResponse
  steps: Steps
  cache: CacheVisit
  share: ByteShare
  /** The caller takes bytes again. */
  onDrain: () => void
  /** Answer and record are done with. @param isWell whether it was answered as it was asked */
  onOver: (isWell: boolean) => void
}

/**
 * The second half of a request: what came of it goes through the policies for answers, into the record and to the caller, in
 * the order that the durability asks for.
 */
export class Answering {
  readonly #it: Given
  readonly #reply: Reply
  /** Of a stream that does not reach its caller as events. */
  readonly #framing: JsonArray | null
  /** The answer is bytes of sound, which go through as they come. */
  #isSound = false
  #isWell = true

  constructor(given: Given) {
    this.#it = given
    this.#reply = new Reply(given.response, given.facts.salt, given.share)
    this.#framing = given.surface.framing?.() ?? null
  }

  /** Everything has been handed over, or nothing more will be. */
  get isOver(): boolean {
    return this.#reply.isOver
  }

  /** A part of a stream. @returns false when the caller is slow and nothing more should be sent until it drains */
  write(bytes: Uint8Array, headers: IncomingHttpHeaders): boolean {
    if (!this.#reply.isStream) this.#beginStream(headers)
    const framed = this.#framing === null ? bytes : this.#framing.push(bytes)
    return framed === null || this.#reply.write(framed)
  }

  /** What the calls to providers ended with. @throws Refusal */
  conclude(end: AttemptsEnd): void {
    switch (end.kind) {
      case 'failed':
        throw end.refusal
      case 'stream':
        this.concludeStream(end)
        return
      case 'rejected':
        this.#concludeRejected(end)
        return
      case 'answer':
        this.concludeAnswer(end)
    }
  }

  /** A provider's refusal may quote what policies take out of answers. */
  #concludeRejected({ status, headers, body }: AttemptsEnd & { kind: 'rejected' }): void {
    const { governor } = this.#it.facts
    this.#isWell = false
    const out = ['content-type', 'application/json', ...passedHeaders(headers)]
    if (!isRepeatable(status)) out.push('x-should-retry', 'false')
    const give = (bytes: Buffer) => this.#answer({ status, errorCode: 'upstream_rejected' }, out, bytes)
    if (governor === null || !governor.runs('output')) {
      give(body)
      return
    }
    const json = parseJson(body.toString('utf8')) as Json
    this.#it.steps.after(governor.said(json, walkLeaves), (said) => give(Buffer.from(JSON.stringify(said))))
  }

  concludeAnswer({ headers, contentType, json, body, usage }: AttemptsEnd & { kind: 'answer' }): void {
    const { facts, surface, cache, steps } = this.#it
    const { governor } = facts
    const { shape } = surface
    facts.usage = usage
    const answeredBy = json.model ?? json.modelVersion
    facts.modelAnswered = typeof answeredBy === 'string' ? answeredBy : null
    facts.serviceTier = serviceTierIn(json)
    const isGoverned = governor !== null && (governor.runs('tool') || governor.runs('output'))
    // Of a field given twice a client might read the one that policies did not.
    const isDoubtful = (bytes: Buffer) =>
      isGoverned && contentType === JSON_TYPE && hasRepeatedKeys(bytes.toString('utf8'), json)
    const give = (governed: Json) => {
      cache.keep(JSON_TYPE, body ?? Buffer.from(JSON.stringify(json)))
      const isRead = governor?.runs('output') === true && mayHold(body)
      const kept = governed !== json ? withoutPieces(shape, governed) : isRead ? withoutStrayLogprobs(json) : json
      const written = () => (contentType === JSON_TYPE ? JSON.stringify(kept) : kept.text)
      const bytes = kept === json && body !== null && !isDoubtful(body) ? body : Buffer.from(String(written()))
      this.#answer({ status: 200, errorCode: null }, ['content-type', contentType, ...passedHeaders(headers)], bytes)
    }
    if (isGoverned) steps.after(governor.answer(asClientsRead(shape, json), WALKS[shape].answer), give)
    else give(json)
  }

  concludeStream({ relay, refusal }: AttemptsEnd & { kind: 'stream' }): void {
    const { facts, cache, response, steps } = this.#it
    facts.usage = relay.usage
    facts.modelAnswered = relay.model
    facts.serviceTier = relay.serviceTier
    steps.after(relay.end(), (rest) => {
      facts.usage = facts.cacheHit === null ? relay.usage : NOTHING_SPENT
      const why = refusal ?? relay.stopped
      const isOfBeginning = relay.usage !== null && !relay.isCounted
      facts.isUsagePartial = why !== null || relay.failed || !relay.complete || isOfBeginning
      // What was stopped before a byte of it was sent is refused as any other answer.
      if (relay.stopped !== null && !this.#reply.isStream) throw relay.stopped
      if (!this.#reply.isStream && !facts.clientAborted) this.#beginStream({})
      const errorCode = why?.code ?? (relay.failed ? 'upstream_failed' : null)
      const tail = this.#framed(refusal === null || this.#isSound ? rest : this.#errorFrame(refusal))
      if (errorCode === null && relay.complete) cache.keepStream()
      else this.#isWell = false
      const outcome = { status: this.#reply.isStream ? 200 : CLIENT_CLOSED_REQUEST, errorCode }
      this.#record(outcome, this.#reply.tellStream(tail), (isRecorded) => {
        // Sound has no words for an error: its end is missing.
        if (this.#isSound && !(isRecorded && why === null)) {
          response.destroy()
          return
        }
        const unrecorded = new Refusal('audit_unavailable', 'This answer could not be recorded.')
        this.#reply.end(isRecorded ? tail : this.#framed(this.#errorFrame(unrecorded)))
      })
    })
  }

  #framed(tail: Uint8Array | null): Uint8Array | null {
    return this.#framing === null ? tail : this.#framing.last(tail)
  }

  /** What is no governed request yet leaves no record. */
  refuse(refusal: Refusal): void {
    const { plane, facts, onOver } = this.#it
    this.#isWell = false
    const body = this.#refusalBody(refusal)
    if (facts.eventId !== null) {
      this.#answer({ status: refusal.status, errorCode: refusal.code }, refusal.headers(), body)
      return
    }
    plane.metrics.refused(refusal.code)
    this.#reply.whole(refusal.status, [...refusal.headers(), ...this.#plainHeaders()], body)
    onOver(false)
  }

  #beginStream(headers: IncomingHttpHeaders): void {
    const { surface, response, onDrain } = this.#it
    this.#isSound = surface.shape === 'audio_speech' && !isEventStream(headers)
    const sound = ['content-type', headers['content-type'] ?? 'application/octet-stream']
    const head = this.#isSound
      ? sound
      : ['content-type', this.#framing === null ? EVENTS : JSON_TYPE, ...STREAM_HEADERS]
    this.#reply.begin(200, [...head, ...this.#governedHeaders(), ...passedHeaders(headers)])
    response.on('drain', onDrain)
  }

  /** Ends a stream that has begun, without the words for a good end, so that nobody takes it for a whole answer. */
  #errorFrame(refusal: Refusal): Buffer {
    const { surface, facts } = this.#it
    const asked = { body: NO_BODY, requestId: facts.requestId, nowMs: controlPlaneNowMs(facts.snapshot) }
    return Buffer.from(surface.writer(asked).fail(refusal))
  }

  #refusalBody(refusal: Refusal): Buffer {
    const { surface, facts } = this.#it
    return Buffer.from(JSON.stringify(surface.refuse(refusal, facts.requestId)))
  }

  #answer(outcome: Outcome, headers: string[], body: Buffer): void {
    const isAborted = this.#it.facts.clientAborted
    const said = isAborted ? NOTHING : this.#reply.tellWhole(body)
    const recorded = isAborted ? { ...outcome, status: CLIENT_CLOSED_REQUEST } : outcome
    this.#record(recorded, said, (isRecorded) => {
      if (isRecorded) {
        this.#reply.whole(outcome.status, [...headers, ...this.#governedHeaders()], body)
        return
      }
      const refusal = new Refusal('audit_unavailable', 'This answer could not be recorded, so it was held back.')
      this.#reply.whole(refusal.status, [...refusal.headers(), ...this.#plainHeaders()], this.#refusalBody(refusal))
    })
  }

  /** Keeps the record and answers, in the order that the durability asks for. */
  #record(outcome: Outcome, said: Said, answer: (isRecorded: boolean) => void): void {
    const { plane, facts, onOver } = this.#it
    const isStrict = plane.durability === 'strict'
    giveBack(plane, facts)
    if (!isStrict) this.#deliver(answer, true)
    keepRecord(plane, facts, outcome, said, (isRecorded) => {
      if (isStrict) this.#deliver(answer, isRecorded)
      onOver(this.#isWell)
    })
  }

  /** What fails here has its record already: it must not become a second one. */
  #deliver(answer: (isRecorded: boolean) => void, isRecorded: boolean): void {
    try {
      answer(isRecorded)
    } catch (cause) {
      const { plane, facts, response } = this.#it
      plane.log.error({ err: cause, request_id: facts.requestId }, 'an answer could not be sent')
      response.destroy()
    }
  }

  #plainHeaders(): string[] {
    const { plane, facts } = this.#it
    const headers = ['x-request-id', facts.requestId, 'traceparent', facts.traceparent]
    if (plane.isDraining) headers.push('connection', 'close')
    return headers
  }

  #governedHeaders(): string[] {
    const { plane, facts, cache } = this.#it
    const headers = this.#plainHeaders()
    headers.push('x-keeptrusts-verdict', verdictOf(facts), 'x-keeptrusts-event-id', facts.eventId ?? '')
    headers.push('x-keeptrusts-config-version', facts.snapshot.config?.version ?? '')
    if (cache.outcome !== null) headers.push('x-keeptrusts-cache', cache.outcome)
    headers.push(...fieldsOfHoldings(plane, facts))
    return headers
  }
}

/** What nginx calls a caller that left before the answer; never sent to anyone. */
const CLIENT_CLOSED_REQUEST = 499
const EVENTS = 'text/event-stream; charset=utf-8'
const STREAM_HEADERS = [
  'cache-control',
  'no-cache',
  'x-accel-buffering',
  'no', // proxies in front must not collect what should flow
]
const NO_BODY: Json = {}
/** One that was put together here holds none. */
const mayHold = (body: Buffer | null) => body !== null && mayHoldLogprobs(body.toString('latin1'))
const JSON_TYPE = 'application/json'
/** An answer that is given again costs nothing at a provider. */
const NOTHING_SPENT: TokenUsage = { input: 0, output: 0, cached: 0, reasoning: 0 }
