import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { newIdAt } from '@/lib/ids'
import { parseJson } from '@/lib/parse-json'
import type { CompiledConfig, Target } from '@/lib/policy/compile'
import { decide } from '@/lib/policy/decide'
import { scopeOf } from '@/lib/policy/scope'
import type { Placed } from './active-set'
import { admit } from './admission'
import { Answering } from './answering'
import { type Ask, hidesUsage, modelsBeside, readAsk, withBody } from './ask'
import { Attempts, type AttemptsOwner } from './attempts'
import { overloaded, readBody } from './body'
import type { ByteShare } from './byte-budget'
import type { CachedAnswer } from './cache/answer-cache'
import { CacheVisit } from './cache/cache-visit'
import { holderOf } from './caller'
import { Refusal } from './errors'
import { type Facts, factsOf } from './facts'
import { conversationOf, governorOf, passUnheard, relayOf } from './governing'
import type { Governor } from './governor'
import { plainHeader } from './headers'
import { hasRoomForAnother, keepReserved, keepTaken, reserveSpend, takeFromLimits } from './holdings'
import type { CallerRequest, CallerResponse } from './http/caller-http'
import { credentialsOf } from './identify'
import type { AttemptsEnd } from './judged-call'
import { servingOf } from './outgoing'
import type { Plane } from './plane'
import type { Json } from './providers/adapter'
import type { Relay } from './relay'
import { mayMirror } from './routing/mirror'
import { controlPlaneNowMs } from './snapshot'
import { Steps } from './steps'
import type { Surface } from './surfaces/surface'
import type { Stage } from './turn'
import { WALKS } from './walks'

type Tiers = readonly (readonly Target[])[]

/**
 * One AI request from its first header to its record, in this order: ready, who, room for the record, body, scope, limits,
 * input policies, answers that are there already, budgets, route and calls; then `Answering` has it: tool and output
 * policies, record, answer. Everything happens under the snapshot that was in force when the request came in.
 */
export class Exchange implements AttemptsOwner, Placed {
  /** Of the set of active requests; not ours to change. */
  place = -1
  /** Of the bytes that all requests may hold; given back by whoever is told that this one is over. */
  readonly share: ByteShare
  readonly #plane: Plane
  readonly #surface: Surface
  readonly #request: CallerRequest
  readonly #response: CallerResponse
  readonly #onOver: (exchange: Exchange) => void
  readonly #facts: Facts
  readonly #steps = new Steps((thrown) => this.#fail(thrown))
  readonly #cache: CacheVisit
  readonly #answering: Answering
  #attempts: Attempts | null = null
  #isDetached = false
  /** Before there was a call to end: policies may still be asking others. */
  #isAborted = false
  /** A second target may be asked the same when this one has answered. */
  #mayMirror = false
  /** When the answer and its record were done with; the caller may still be taking the bytes. */
  #settledMs: number | null = null

  constructor(
    plane: Plane,
    surface: Surface,
    request: CallerRequest,
    response: CallerResponse,
    onOver: (exchange: Exchange) => void,
  ) {
    const facts = factsOf(plane.store.current, surface, request)
    this.share = plane.budget.share()
    this.#plane = plane
    this.#surface = surface
    this.#request = request
    this.#response = response
    this.#onOver = onOver
    this.#facts = facts
    this.#cache = new CacheVisit(plane.answers, this.share, facts)
    this.#answering = new Answering({
      plane,
      surface,
      facts,
      response,
      steps: this.#steps,
      cache: this.#cache,
      share: this.share,
      onDrain: () => this.#attempts?.resume(),
      onOver: (isWell) => this.#settled(isWell),
    })
    response.on('close', () => this.#onClose())
  }

  run(): void {
    this.#steps.take(() => {
      admit(this.#plane, this.#facts, credentialsOf(this.#request))
      const waitedFromMs = performance.now()
      const onBody = (body: Buffer | Refusal) => {
        this.#facts.bodyWaitMs = performance.now() - waitedFromMs
        this.#inTurn('request', () => {
          if (body instanceof Refusal) throw body
          // The caller left in the turn in which the last of the body came: there is nothing to be governed yet.
          if (!this.#facts.clientAborted) this.#govern(body)
        })
      }
      readBody(this.#request, this.#config.limits.bodyBytesMax, onBody, this.share)
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
    const facts = this.#facts
    const ask = readAsk(body, this.#surface, this.#request.headers['content-type'])
    facts.eventId = newIdAt('evt', facts.startedAtMs)
    facts.body = body
    facts.model = ask.model
    facts.isStream = ask.stream
    if (this.#surface.shape === 'audio_speech') facts.characters = charactersOf(ask.body.input)
    const { key } = facts
    const scope = scopeOf(this.#config, {
      method: 'POST',
      path: this.#surface.path,
      tokenName: key?.token_name ?? null,
      teamId: key?.team_id ?? null,
    })
    const decided = (model: string, param: string) => {
      const { allowed_models: allowedModels = null, allowed_providers: allowedProviders = null } = key ?? {}
      const decision = decide({ model, allowedModels, allowedProviders, scope }, this.#config)
      facts.decision = decision
      if (decision.verdict === 'allow') return decision
      throw new Refusal(decision.code, decision.message, { param, policy: decision.rule })
    }
    for (const model of modelsBeside(ask)) decided(model, 'models')
    const decision = decided(ask.model, 'model')
    this.#mayMirror = mayMirror(this.#config, key?.allowed_providers ?? null, scope.targets)
    this.#steps.after(takeFromLimits(this.#plane, facts, ask), (taken) => {
      keepTaken(facts, taken)
      const governor = governorOf(this.#plane, facts, ask, scope.chain, decision.targets)
      facts.governor = governor
      if (governor.isIdle) this.#lookUp(ask, governor, decision.tiers)
      else this.#inTurn('policies', () => this.#applyPolicies(ask, governor, decision.tiers))
    })
  }

  #applyPolicies(ask: Ask, governor: Governor, given: Tiers): void {
    this.#steps.after(governor.pass('input', ask.body, WALKS[ask.surface.shape].request), ({ body, targets }) => {
      const { mirror } = this.#config
      if (targets !== null && mirror && !targets.includes(mirror.targetId)) this.#mayMirror = false
      const tiers = given.map((tier) => tier.filter(({ id }) => targets === null || targets.includes(id)))
      const governed = governor.runs('input') ? withBody(ask, body) : ask
      this.#steps.after(passUnheard(ask, governor), () => this.#lookUp(governed, governor, tiers))
    })
  }

  /** An answer that is there already is given again, as the policies in force leave it. */
  #lookUp(ask: Ask, governor: Governor, tiers: Tiers): void {
    this.#steps.after(this.#cache.find(ask, tiers), (found) => {
      if (found === null) this.#inTurn('call', () => this.#reserve(ask, governor, tiers))
      else this.#answerAgain(ask, governor, found)
    })
  }

  #answerAgain(ask: Ask, governor: Governor, found: CachedAnswer): void {
    const { contentType, body } = found
    if (!this.share.take(body.length)) throw overloaded()
    this.#facts.cacheHit = found
    // What a provider makes of `stream` is its own affair: an answer is given again as what it was.
    if (contentType === 'application/json') {
      const json = parseJson(body.toString('utf8')) as Json
      const usage = { input: 0, output: 0, cached: 0, reasoning: 0 }
      this.#answering.concludeAnswer({ kind: 'answer', headers: {}, contentType, json, body, usage })
      return
    }
    const relay = this.#relayOf(ask, governor, hidesUsage(ask))
    const bytes = relay.push(body)
    if (bytes !== null && relay.stopped === null) this.onStreamBytes(bytes, {})
    this.#answering.concludeStream({ kind: 'stream', relay, refusal: null })
  }

  /** Before anybody is asked. */
  #reserve(ask: Ask, governor: Governor, tiers: Tiers): void {
    const reserved = reserveSpend(this.#plane, this.#facts, ask, servingOf(ask, tiers))
    this.#steps.after(reserved, (given) => this.#route(ask, governor, keepReserved(this.#facts, given)))
  }

  #route(ask: Ask, governor: Governor, serving: Tiers): void {
    const facts = this.#facts
    if (facts.clientAborted) throw new Refusal('client_closed_request', 'The caller left.')
    if (this.#isAborted) throw new Refusal('not_ready', 'This gateway is stopping.')
    const attempts = new Attempts(
      {
        plane: this.#plane,
        ask,
        answerBytesMax: this.#config.limits.responseBytesMax,
        share: this.share,
        plan: this.#plane.router.plan(serving, ask.model, conversationOf(facts), this.#config.routing),
        hasRoomFor: (target) => hasRoomForAnother(this.#plane, facts, ask, target),
        relayOf: (hideUsage) => this.#cache.recorded(this.#relayOf(ask, governor, hideUsage)),
        requestId: facts.requestId,
        traceparent: facts.traceparent,
        idempotencyKey: idempotencyKeyOf(facts),
        headers: facts.headers,
        nowWallMs: controlPlaneNowMs(facts.snapshot),
      },
      this,
    )
    facts.ask = ask
    facts.made = attempts.made
    this.#attempts = attempts
    attempts.start()
  }

  #relayOf(ask: Ask, governor: Governor, hideUsage: boolean): Relay {
    const { requestId, snapshot } = this.#facts
    const heldBytesMax = this.#config.limits.responseBytesMax
    return relayOf(this.#plane, {
      ask,
      governor,
      requestId,
      nowMs: controlPlaneNowMs(snapshot),
      heldBytesMax,
      hideUsage,
    })
  }

  onStreamBytes(bytes: Uint8Array, headers: IncomingHttpHeaders): boolean {
    return this.#answering.write(bytes, headers)
  }

  onAttemptsEnd(end: AttemptsEnd): void {
    this.#steps.take(() => this.#answering.conclude(end))
  }

  #inTurn(stage: Stage, step: () => void): void {
    this.#plane.turn.add(stage, () => this.#steps.take(step))
  }

  /** The one exit for what goes wrong: an expected refusal is told; anything else is logged and says nothing of itself. */
  #fail(thrown: unknown): void {
    const isExpected = thrown instanceof Refusal
    if (!isExpected) this.#plane.log.error({ err: thrown, request_id: this.#facts.requestId }, 'unexpected failure')
    this.#answering.refuse(isExpected ? thrown : new Refusal('internal_error', 'Something went wrong in the gateway.'))
  }

  /** Answer and record are done with. */
  #settled(isWell: boolean): void {
    if (this.#isDetached) this.#plane.detachedCalls -= 1
    this.#isDetached = false
    this.#settledMs = performance.now()
    const { ask } = this.#facts
    if (isWell && this.#mayMirror && ask !== null) this.#plane.mirror.copy(ask, this.#facts)
    if (this.#response.closed) this.#onOver(this)
  }

  /** The caller left. What was asked for goes on to its record; reading on for the usage is bounded in number, too. */
  #onClose(): void {
    if (this.#settledMs !== null) this.#onOver(this)
    if (this.#answering.isOver) return
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

  get #config(): CompiledConfig {
    const { config } = this.#facts.snapshot
    if (config === null) throw new Error('admitted without a configuration')
    return config.compiled
  }
}

/** Many share a secret of a provider: who repeats the key of somebody else must not get that one's answer. */
function idempotencyKeyOf({ key, headers, clientIp }: Facts): string | null {
  const given = plainHeader(headers['idempotency-key'], 255)
  return given && hash('sha256', `${holderOf(key, clientIp)} ${given}`, 'hex')
}

/** As people count them: one for each that is written with two units of UTF-16, too. */
const charactersOf = (text: unknown) => (typeof text === 'string' ? Array.from(text).length : null)
