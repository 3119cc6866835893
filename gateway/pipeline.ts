import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { newIdAt } from '@/lib/ids'
import { hasRepeatedKeys } from '@/lib/json'
import type { CompiledConfig, CompiledLimits, Target } from '@/lib/policy/compile'
import { decide } from '@/lib/policy/decide'
import type { Chain } from '@/lib/policy/engine/chain'
import { scopeOf } from '@/lib/policy/scope'
import { type DecideCalls, rulesOf } from '@/lib/policy/stream/rules'
import type { TokenUsage } from '@/lib/token-usage'
import type { Placed } from './active-set'
import { admit } from './admission'
import { type Ask, hidesUsage, readAsk, withBody } from './ask'
import { Attempts, type AttemptsEnd, type AttemptsOwner } from './attempts'
import { readBody } from './body'
import type { ByteShare } from './byte-budget'
import type { CachedAnswer } from './cache/answer-cache'
import type { AnswerCache } from './cache/answer-caches'
import { type CacheUse, cacheUseOf, isFromOneOf } from './cache/cache-rules'
import { RecordingRelay } from './cache/recording-relay'
import { callerOf, clientIpOf } from './caller'
import { saltFor } from './capture'
import { Refusal } from './errors'
import { type Facts, type Outcome, type Said, verdictOf } from './event'
import { GovernedRelay } from './governed-relay'
import { CALL_PHASES, Governor, type Passed } from './governor'
import { passedHeaders, plainHeader, requestIdOf, traceparentOf } from './headers'
import { credentialsOf } from './identify'
import { refusalOfLimit } from './limits/exceeded'
import { type LimitStatus, rateLimitFields, type Taken } from './limits/limiter'
import { limitsOf, tokensEstimated, userOf } from './limits/limits-of'
import { servingOf } from './outgoing'
import type { Plane } from './plane'
import type { Json } from './providers/adapter'
import { keepRecord } from './record'
import type { Relay } from './relay'
import { NOTHING, Reply } from './reply'
import { requestCost, totalOf } from './request-cost'
import { mayMirror } from './routing/mirror'
import { controlPlaneNowMs } from './snapshot'
import { budgetFields } from './spend/budget-fields'
import type { Reserved } from './spend/spend-gate'
import { worstCases } from './spend/worst-case'
import { StreamRelay } from './stream'
import type { Surface } from './surfaces/surface'
import { isEventStream } from './upstream-call'
import { isRepeatable } from './upstream-failure'
import { NOTHING_WALKED, WALKS, walkLeaves, withoutPieces } from './walks'

/**
 * One AI request from its first header to its record, in this order: ready, who, room for the record, body, scope, limits,
 * input policies, answers that are there already, budgets, route and calls, tool and output policies, record, answer.
 * Everything happens under the snapshot that was in force when the request came in.
 */
export class Exchange implements AttemptsOwner, Placed {
  /** Of the set of active requests; not ours to change. */
  place = -1
  /** Of the bytes that all requests may hold; given back by whoever is told that this one is over. */
  readonly share: ByteShare
  readonly #plane: Plane
  readonly #surface: Surface
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #onOver: (exchange: Exchange) => void
  readonly #reply: Reply
  readonly #facts: Facts
  #attempts: Attempts | null = null
  #isDetached = false
  /** Before there was a call to end: policies may still be asking others. */
  #isAborted = false
  /** The answer is bytes of sound, which go through as they come. */
  #isSound = false
  /** The limit that refused the request. */
  #exceeded: LimitStatus | null = null
  #cacheUse: CacheUse | null = null
  #recorder: RecordingRelay | null = null
  #mayMirror = false
  /** What a second target is asked when this one has answered. */
  #mirrored: Ask | null = null
  /** When the answer and its record were done with; the caller may still be taking the bytes. */
  #settledMs: number | null = null
  /** The time in the id of its event. */
  #startedAtMs = 0

  constructor(
    plane: Plane,
    surface: Surface,
    request: IncomingMessage,
    response: ServerResponse,
    onOver: (exchange: Exchange) => void,
  ) {
    const { headers } = request
    const snapshot = plane.store.current
    this.share = plane.budget.share()
    this.#plane = plane
    this.#surface = surface
    this.#request = request
    this.#response = response
    this.#onOver = onOver
    this.#facts = {
      snapshot,
      apiShape: surface.shape,
      route: surface.path,
      startedMs: performance.now(),
      requestId: requestIdOf(headers['x-request-id']),
      traceparent: traceparentOf(headers.traceparent),
      clientIp: clientIpOf(request, snapshot),
      headers,
      eventId: null,
      key: null,
      salt: saltFor(snapshot),
      body: null,
      bodyWaitMs: 0,
      model: null,
      isStream: false,
      decision: null,
      refusedFor: null,
      governor: null,
      hold: null,
      reservation: null,
      settled: null,
      ask: null,
      made: [],
      usage: null,
      isUsagePartial: false,
      characters: null,
      modelAnswered: null,
      cacheHit: null,
      clientAborted: false,
    }
    this.#reply = new Reply(response, this.#facts.salt)
    response.on('close', () => this.#onClose())
  }

  run(): void {
    this.#attempt(() => {
      admit(this.#plane, this.#facts, credentialsOf(this.#request))
      const waitedFromMs = performance.now()
      const onBody = (body: Buffer | Refusal) =>
        this.#attempt(() => {
          this.#facts.bodyWaitMs = performance.now() - waitedFromMs
          if (body instanceof Refusal) throw body
          this.#govern(body)
        })
      readBody(this.#request, this.#bounds().bodyBytesMax, onBody, this.share)
    })
  }

  /** Called about once a second: cuts off what takes too long. */
  sweep(nowMs: number): void {
    const isUntaken = this.#settledMs !== null && nowMs - this.#settledMs > this.#plane.limits.stalledMsMax
    if (this.#attempts?.sweep(nowMs) || isUntaken) this.#response.destroy()
  }

  /** Ends the calls to providers; the request is then answered and recorded as failed, with `reason` in its attempt. */
  abort(reason: string): void {
    this.#isAborted = true
    this.#attempts?.abort(reason)
  }

  /** What cannot be read is refused before it is governed: there is no model to decide on, and nobody was asked. */
  #govern(body: Buffer): void {
    const { config } = this.#facts.snapshot
    if (config === null) throw new Error('admitted without a configuration')
    const ask = readAsk(body, this.#surface, this.#request.headers['content-type'])
    this.#startedAtMs = controlPlaneNowMs(this.#facts.snapshot)
    this.#facts.eventId = newIdAt('evt', this.#startedAtMs)
    this.#facts.body = body
    this.#facts.model = ask.model
    this.#facts.isStream = ask.stream
    if (this.#surface.shape === 'audio_speech') this.#facts.characters = charactersOf(ask.body.input)
    const { key } = this.#facts
    const { compiled } = config
    const { path } = this.#surface
    const scope = scopeOf(compiled, {
      method: 'POST',
      path,
      tokenName: key?.token_name ?? null,
      teamId: key?.team_id ?? null,
    })
    const decision = decide(
      {
        model: ask.model,
        allowedModels: key?.allowed_models ?? null,
        allowedProviders: key?.allowed_providers ?? null,
        scope,
      },
      compiled,
    )
    this.#facts.decision = decision
    if (decision.verdict === 'block') {
      throw new Refusal(decision.code, decision.message, { param: 'model', policy: decision.rule })
    }
    this.#mayMirror = mayMirror(compiled, key?.allowed_providers ?? null, scope.targets)
    this.#then(this.#takeFromLimits(ask, compiled), (taken) => {
      this.#refuseExceeded(taken)
      this.#applyPolicies(this.#governorOf(scope.chain, decision.targets, ask), ask, decision.tiers)
    })
  }

  #applyPolicies(governor: Governor, ask: Ask, given: readonly (readonly Target[])[]): void {
    this.#facts.governor = governor
    if (governor.isIdle) {
      this.#lookUp(ask, given)
      return
    }
    this.#then(governor.pass('input', ask.body, WALKS[ask.surface.shape].request), (passed: Passed) => {
      const { targets } = passed
      const allowed = ({ id }: Target) => targets === null || targets.includes(id)
      const mirror = this.#facts.snapshot.config?.compiled.mirror
      if (targets !== null && mirror && !targets.includes(mirror.targetId)) this.#mayMirror = false
      const tiers = given.map((tier) => tier.filter(allowed))
      const governed = governor.runs('input') ? withBody(ask, passed.body) : ask
      this.#then(this.#unheard(ask, governor), () => this.#lookUp(governed, tiers))
    })
  }

  /**
   * Output policies on sound, of which nothing can be read: they are asked before it is made, so that one that refuses what
   * it cannot read costs nothing. A transcript is read, but only as a whole.
   */
  #unheard({ surface, stream }: Ask, governor: Governor): unknown {
    if (!governor.runs('output')) return null
    if (surface.shape === 'audio_speech') return governor.pass('output', NO_BODY, WALKS.audio_speech.answer)
    if (surface.shape !== 'audio_transcriptions' || !stream) return null
    throw new Refusal('invalid_request', 'Policies read transcripts as a whole: send stream=false.', {
      param: 'stream',
    })
  }

  #governorOf(chain: Chain, targets: readonly Target[], { surface, model }: Ask): Governor {
    const { ports, log, conversations } = this.#plane
    const { key, clientIp, headers } = this.#facts
    const nowMs = this.#nowWallMs()
    const name = plainHeader(headers['x-conversation-id'], 128)
    return new Governor(
      chain,
      { apiShape: surface.shape, model, targets, caller: () => callerOf(key, headers, clientIp) },
      { nowMs, ports, log, conversation: () => conversations.of(key?.token_id ?? `ip ${clientIp}`, name, nowMs) },
    )
  }

  #takeFromLimits(ask: Ask, config: CompiledConfig): Taken | null | Promise<Taken> {
    const { key, clientIp, snapshot } = this.#facts
    const limits = limitsOf(config.limits, { key, userId: userOf(this.#facts.headers), ip: clientIp })
    if (limits.length === 0) return null
    const tokens = tokensEstimated(ask.bytes.length, ask.outputTokensMax)
    return this.#plane.limiter.take({ config, orgId: snapshot.orgId }, limits, tokens, this.#nowWallMs())
  }

  /** @throws Refusal `rate_limited` */
  #refuseExceeded(taken: Taken | null): void {
    if (taken === null) return
    if (taken.exceeded === null) {
      this.#facts.hold = taken.hold
      return
    }
    this.#exceeded = taken.exceeded
    this.#facts.refusedFor = `rate.${taken.exceeded.limit.name}`
    throw refusalOfLimit(taken.exceeded)
  }

  /** An answer that is there already is given again, as the policies in force leave it. */
  #lookUp(ask: Ask, tiers: readonly (readonly Target[])[]): void {
    const cache = this.#answers()
    const use = cache === null ? null : cacheUseOf(ask, this.#facts)
    this.#cacheUse = use
    if (cache === null || use === null || !use.mayFind) {
      this.#reserve(ask, tiers)
      return
    }
    this.#then(cache.find(use.key, isFromOneOf(tiers)), (found) => {
      if (found === null) this.#reserve(ask, tiers)
      else this.#answerAgain(ask, found)
    })
  }

  #answerAgain(ask: Ask, found: CachedAnswer): void {
    const { governor } = this.#facts
    if (governor === null) throw new Error('answered without a governor')
    this.#facts.cacheHit = found
    this.#cacheUse = null
    // What a provider makes of `stream` is its own affair: an answer is given again as what it was.
    if (found.contentType === JSON_TYPE) {
      const json = JSON.parse(found.body.toString('utf8')) as Json
      this.#concludeAnswer({
        kind: 'answer',
        headers: {},
        contentType: JSON_TYPE,
        json,
        body: found.body,
        usage: NOTHING_SPENT,
      })
      return
    }
    const relay = this.#relayOf(ask, governor, hidesUsage(ask))
    const bytes = relay.push(found.body)
    if (bytes !== null && relay.stopped === null) this.onStreamBytes(bytes, {})
    this.#concludeStream({ kind: 'stream', relay, refusal: null })
  }

  /** Takes the worst case from every budget that counts the request and from a wallet that pays, before anybody is asked. */
  #reserve(ask: Ask, tiers: readonly (readonly Target[])[]): void {
    const serving = servingOf(ask, tiers)
    this.#then(this.#covered(ask, serving), (reserved: Reserved) => {
      if (reserved.refused !== null) {
        this.#facts.refusedFor = reserved.refused.reasonCode
        throw reserved.refused.refusal
      }
      this.#facts.reservation = reserved.reservation
      this.#route(ask, reserved.tiers)
    })
  }

  #covered(ask: Ask, tiers: readonly (readonly Target[])[]): Reserved | Promise<Reserved> {
    const { snapshot, key, headers } = this.#facts
    const rules = snapshot.spend
    if (rules === null || rules.isIdle) return { refused: null, reservation: null, tiers }
    const who = {
      teamId: key?.team_id ?? null,
      userId: userOf(headers),
      agentId: key?.agent_id ?? plainHeader(headers['x-keeptrusts-agent-id'], 200),
      tokenId: key?.token_id ?? null,
      model: ask.model,
    }
    const worstCaseOf = worstCases(ask, snapshot)
    return this.#plane.spend.reserve({ rules, who, atMs: this.#startedAtMs, tiers, worstCaseOf })
  }

  #route(ask: Ask, serving: readonly (readonly Target[])[]): void {
    if (this.#facts.clientAborted) throw new Refusal('client_closed_request', 'The caller left.')
    if (this.#isAborted) throw new Refusal('not_ready', 'This gateway is stopping.')
    const { config } = this.#facts.snapshot
    if (config === null) throw new Error('admitted without a configuration')
    const conversationId = plainHeader(this.#request.headers['x-conversation-id'], 128)
    const governor = this.#facts.governor
    if (governor === null) throw new Error('routed without a governor')
    const attempts = new Attempts(
      {
        plane: this.#plane,
        ask,
        answerBytesMax: this.#bounds().responseBytesMax,
        share: this.share,
        plan: this.#plane.router.plan(serving, ask.model, conversationId, config.compiled.routing),
        relayOf: (hideUsage) => this.#recorded(this.#relayOf(ask, governor, hideUsage)),
        requestId: this.#facts.requestId,
        traceparent: this.#facts.traceparent,
        idempotencyKey: plainHeader(this.#request.headers['idempotency-key'], 255),
        headers: this.#request.headers,
        nowWallMs: this.#nowWallMs(),
      },
      this,
    )
    this.#facts.ask = ask
    this.#facts.made = attempts.made
    if (this.#mayMirror) this.#mirrored = ask
    this.#attempts = attempts
    attempts.start()
  }

  #recorded(relay: Relay): Relay {
    if (this.#cacheUse?.mayKeep !== true) return relay
    this.#recorder = new RecordingRelay(relay, this.share)
    return this.#recorder
  }

  /** Keeps an answer as it came, so that the policies of the day decide about it each time that it is given. */
  #keepAnswer(contentType: string, body: Buffer | null): void {
    const target = this.#facts.made.at(-1)?.target
    const use = this.#cacheUse
    if (use?.mayKeep !== true || body === null || target === undefined || target.dataPolicy.zeroDataRetention) return
    const { modelAnswered: model, usage: tokens } = this.#facts
    this.#answers()?.keep(use.key, { contentType, body, model, provider: target.provider, targetId: target.id, tokens })
  }

  #answers(): AnswerCache | null {
    const { config } = this.#facts.snapshot
    return config === null ? null : this.#plane.answers.of(config.compiled)
  }

  #relayOf(ask: Ask, governor: Governor, hideUsage: boolean): Relay {
    const { shape } = ask.surface
    const decideCalls: DecideCalls = (calls) => governor.decideCalls(calls, CALL_PHASES)
    const hasRules = governor.runs('tool') || governor.runs('output')
    const rules = rulesOf(governor.chain, this.#nowWallMs(), this.#plane.ports, hasRules ? decideCalls : null)
    if (rules === null && shape === 'openai_chat') return new StreamRelay(hideUsage)
    if (shape !== 'openai_chat' && shape !== 'openai_responses' && shape !== 'anthropic_messages') {
      throw new Error(`${shape} does not stream`)
    }
    const heldBytesMax = this.#bounds().responseBytesMax
    const errorOf = (refusal: Refusal) => {
      const { error } = ask.surface.refuse(refusal, this.#facts.requestId)
      return typeof error === 'object' && error !== null ? error : {}
    }
    const subject = governor.subjectOf('output', NOTHING_WALKED)
    // A frame may hold a picture; what it may not is be longer than an answer.
    const frameBytesMax = heldBytesMax
    return new GovernedRelay({ shape, rules, subject, heldBytesMax, frameBytesMax, hideUsage }, governor, errorOf)
  }

  onStreamBytes(bytes: Uint8Array, headers: IncomingHttpHeaders): boolean {
    if (!this.#reply.isStream) this.#beginStream(headers)
    return this.#reply.write(bytes)
  }

  onAttemptsEnd(end: AttemptsEnd): void {
    this.#attempt(() => {
      switch (end.kind) {
        case 'failed':
          throw end.refusal
        case 'stream':
          this.#concludeStream(end)
          return
        case 'rejected': {
          const out = ['content-type', 'application/json', ...passedHeaders(end.headers)]
          this.#mirrored = null
          if (!isRepeatable(end.status)) out.push('x-should-retry', 'false')
          this.#concludeRejected(end, out)
          return
        }
        case 'answer':
          this.#concludeAnswer(end)
      }
    })
  }

  /** A provider's refusal may quote what policies take out of answers. */
  #concludeRejected({ status, body }: AttemptsEnd & { kind: 'rejected' }, out: string[]): void {
    const { governor } = this.#facts
    const give = (bytes: Buffer) => this.#answer({ status, errorCode: 'upstream_rejected' }, out, bytes)
    if (governor === null || !governor.runs('output')) {
      give(body)
      return
    }
    const json: Json = JSON.parse(body.toString('utf8'))
    this.#then(governor.said(json, walkLeaves), (said) => give(Buffer.from(JSON.stringify(said))))
  }

  #concludeAnswer({ headers, contentType, json, body, usage }: AttemptsEnd & { kind: 'answer' }): void {
    const { governor } = this.#facts
    const { shape } = this.#surface
    this.#facts.usage = usage
    this.#facts.modelAnswered = typeof json.model === 'string' ? json.model : null
    const isGoverned = governor !== null && (governor.runs('tool') || governor.runs('output'))
    // Of a field given twice a client might read the one that policies did not.
    const isDoubtful = (bytes: Buffer) =>
      isGoverned && contentType === JSON_TYPE && hasRepeatedKeys(bytes.toString('utf8'), json)
    const give = (governed: Json) => {
      this.#keepAnswer(JSON_TYPE, body ?? Buffer.from(JSON.stringify(json)))
      const isSame = governed === json
      const kept = isSame ? json : withoutPieces(shape, governed)
      const written = () => (contentType === JSON_TYPE ? JSON.stringify(kept) : kept.text)
      const bytes = isSame && body !== null && !isDoubtful(body) ? body : Buffer.from(String(written()))
      this.#answer({ status: 200, errorCode: null }, ['content-type', contentType, ...passedHeaders(headers)], bytes)
    }
    if (isGoverned) this.#then(governor.answer(json, WALKS[shape].answer), give)
    else give(json)
  }

  #concludeStream({ relay, refusal }: AttemptsEnd & { kind: 'stream' }): void {
    this.#facts.usage = relay.usage
    this.#facts.modelAnswered = relay.model
    this.#then(relay.end(), (rest) => {
      this.#facts.usage = this.#facts.cacheHit === null ? relay.usage : NOTHING_SPENT
      const why = refusal ?? relay.stopped
      this.#facts.isUsagePartial = why !== null || relay.failed || !relay.complete
      // What was stopped before a byte of it was sent is refused as any other answer.
      if (relay.stopped !== null && !this.#reply.isStream) throw relay.stopped
      if (!this.#reply.isStream && !this.#facts.clientAborted) this.#beginStream({})
      const errorCode = why?.code ?? (relay.failed ? 'upstream_failed' : null)
      const tail = refusal === null || this.#isSound ? rest : this.#errorFrame(refusal)
      if (errorCode === null && relay.complete) this.#keepAnswer('text/event-stream', this.#recorder?.recorded ?? null)
      else this.#mirrored = null
      const outcome = { status: this.#reply.isStream ? 200 : CLIENT_CLOSED_REQUEST, errorCode }
      this.#record(outcome, this.#reply.tellStream(tail), (isRecorded) => {
        // Sound has no words for an error: its end is missing.
        if (this.#isSound && !(isRecorded && why === null)) {
          this.#response.destroy()
          return
        }
        const unrecorded = new Refusal('audit_unavailable', 'This answer could not be recorded.')
        this.#reply.end(isRecorded ? tail : this.#errorFrame(unrecorded))
      })
    })
  }

  /** Ends a stream that has begun, without the words for a good end, so that nobody takes it for a whole answer. */
  #errorFrame(refusal: Refusal): Buffer {
    const asked = { body: NO_BODY, requestId: this.#facts.requestId, nowMs: this.#nowWallMs() }
    return Buffer.from(this.#surface.writer(asked).fail(refusal))
  }

  #beginStream(headers: IncomingHttpHeaders): void {
    this.#isSound = this.#surface.shape === 'audio_speech' && !isEventStream(headers)
    const head = this.#isSound
      ? ['content-type', headers['content-type'] ?? 'application/octet-stream']
      : STREAM_HEADERS
    const out = [...head, ...this.#governedHeaders(), ...passedHeaders(headers)]
    this.#reply.begin(200, out)
    this.#response.on('drain', () => this.#attempts?.resume())
  }

  #refuse(refusal: Refusal): void {
    this.#mirrored = null
    const body = this.#refusalBody(refusal)
    if (this.#facts.eventId !== null) {
      this.#answer({ status: refusal.status, errorCode: refusal.code }, refusal.headers(), body)
      return
    }
    this.#plane.metrics.refused(refusal.code)
    this.#reply.whole(refusal.status, [...refusal.headers(), ...this.#plainHeaders()], body)
    this.#over()
  }

  #refusalBody(refusal: Refusal): Buffer {
    return Buffer.from(JSON.stringify(this.#surface.refuse(refusal, this.#facts.requestId)))
  }

  #answer(outcome: Outcome, headers: string[], body: Buffer): void {
    const isAborted = this.#facts.clientAborted
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
    const isStrict = this.#plane.durability === 'strict'
    this.#release()
    if (!isStrict) this.#deliver(answer, true)
    keepRecord(this.#plane, this.#facts, outcome, said, (isRecorded) => {
      if (isStrict) this.#deliver(answer, isRecorded)
      this.#over()
    })
  }

  /** What fails here has its record already: it must not become a second one. */
  #deliver(answer: (isRecorded: boolean) => void, isRecorded: boolean): void {
    try {
      answer(isRecorded)
    } catch (cause) {
      this.#plane.log.error({ err: cause, request_id: this.#facts.requestId }, 'an answer could not be sent')
      this.#response.destroy()
    }
  }

  /** The caller left. What was asked for goes on to its record; reading on for the usage is bounded in number, too. */
  #onClose(): void {
    if (this.#settledMs !== null) this.#onOver(this)
    if (this.#reply.isOver) return
    this.#facts.clientAborted = true
    if (this.#facts.eventId === null) {
      this.#onOver(this)
      return
    }
    if (this.#attempts === null || this.#attempts.isOver) return
    if (this.#plane.detachedCalls >= this.#plane.limits.detachedCallsMax) {
      this.#attempts.abort('caller_left')
      return
    }
    this.#plane.detachedCalls += 1
    this.#isDetached = true
    this.#attempts.detach()
  }

  /** Gives back what the request held of its limits and budgets. */
  #release(): void {
    const { hold, usage, made } = this.#facts
    const unsaid = made.length === 0 ? 0 : null // nobody was asked, so it cost nothing
    if (hold !== null) this.#plane.limiter.release(hold, usage === null ? unsaid : usage.input + usage.output)
    this.#settle()
  }

  /** Whatever became of the request: what its event will say that it cost is charged, and the rest is free again. */
  #settle(): void {
    const { reservation, settled, made } = this.#facts
    if (reservation === null || settled !== null) return
    const cost = requestCost(this.#facts)
    const provider = made.at(-1)?.target.provider ?? null
    this.#facts.settled = { cost, spend: reservation.settle(totalOf(cost.attribution), provider) }
  }

  #over(): void {
    if (this.#isDetached) this.#plane.detachedCalls -= 1
    this.#isDetached = false
    this.#settledMs = performance.now()
    if (this.#mirrored !== null) {
      this.#plane.mirror.copy(this.#mirrored, this.#facts, (copied, target) => this.#covered(copied, [[target]]))
    }
    if (this.#response.closed) this.#onOver(this)
  }

  #plainHeaders(): string[] {
    const headers = ['x-request-id', this.#facts.requestId, 'traceparent', this.#facts.traceparent]
    if (this.#plane.isDraining) headers.push('connection', 'close')
    return headers
  }

  #governedHeaders(): string[] {
    const headers = this.#plainHeaders()
    headers.push('x-keeptrusts-verdict', verdictOf(this.#facts), 'x-keeptrusts-event-id', this.#facts.eventId ?? '')
    headers.push('x-keeptrusts-config-version', this.#facts.snapshot.config?.version ?? '')
    if (this.#facts.cacheHit !== null) headers.push('x-keeptrusts-cache', 'hit')
    else if (this.#cacheUse !== null) headers.push('x-keeptrusts-cache', 'miss')
    const { hold } = this.#facts
    if (this.#exceeded !== null) headers.push(...rateLimitFields([this.#exceeded]))
    else if (hold !== null) headers.push(...rateLimitFields(this.#plane.limiter.statusesOf(hold, this.#nowWallMs())))
    const { reservation } = this.#facts
    if (reservation !== null) headers.push(...budgetFields(reservation.tightest(this.#plane.spend.nowMs())))
    return headers
  }

  #nowWallMs(): number {
    return controlPlaneNowMs(this.#facts.snapshot)
  }

  #bounds(): CompiledLimits {
    const { config } = this.#facts.snapshot
    if (config === null) throw new Error('admitted without a configuration')
    return config.compiled.limits
  }

  /** Goes on at once with what is there, and later with what is not. */
  #then<T>(value: T | Promise<T>, next: (value: T) => void): void {
    if (!(value instanceof Promise)) {
      next(value)
      return
    }
    value.then(
      (there) => this.#attempt(() => next(there)),
      (thrown: unknown) =>
        this.#attempt(() => {
          throw thrown
        }),
    )
  }

  /** The one exit for what goes wrong: an expected refusal is told; anything else is logged and says nothing of itself. */
  #attempt(step: () => void): void {
    try {
      step()
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) {
        this.#plane.log.error({ err: thrown, request_id: this.#facts.requestId }, 'unexpected failure')
      }
      this.#refuse(
        thrown instanceof Refusal ? thrown : new Refusal('internal_error', 'Something went wrong in the gateway.'),
      )
    }
  }
}

/** What nginx calls a caller that left before the answer; never sent to anyone. */
const CLIENT_CLOSED_REQUEST = 499
const STREAM_HEADERS = [
  'content-type',
  'text/event-stream; charset=utf-8',
  'cache-control',
  'no-cache',
  'x-accel-buffering',
  'no', // proxies in front must not collect what should flow
]
const NO_BODY: Json = {}
/** As people count them: one for each that is written with two units of UTF-16, too. */
const charactersOf = (text: unknown) => (typeof text === 'string' ? Array.from(text).length : null)
const JSON_TYPE = 'application/json'
/** An answer that is given again costs nothing at a provider. */
const NOTHING_SPENT: TokenUsage = { input: 0, output: 0, cached: 0, reasoning: 0 }
