import type { CompiledConfig, Target } from '@/lib/policy/compile'
import type { Ask } from '../ask'
import type { Facts } from '../facts'
import { outgoingFor } from '../outgoing'
import type { UpstreamCall, UpstreamHandler } from '../providers/provider'
import { controlPlaneNowMs } from '../snapshot'
import type { Upstreams } from '../upstreams'

/** Copies under way at once, and the bytes of their requests. */
const COPIES_MAX = 64
const BYTES_MAX = 32 * 1_048_576
/** An answer is read to its end, so that its connection can be used again, but not for ever. */
const ANSWER_BYTES_MAX = 16 * 1_048_576

type Outcome = 'ok' | 'rejected' | 'failed' | 'timeout' | 'dropped'

/**
 * Asks a second target what a first one has answered. Nobody waits for it and nothing of it reaches the caller or the
 * record; only how it ended is counted. What has no record is charged to nobody, so nothing is reserved for it either.
 */
export class Mirror {
  readonly counts = new Map<Outcome, number>()
  readonly #upstreams: Upstreams
  readonly #random: () => number
  readonly #targets = new WeakMap<CompiledConfig, Target | null>()
  readonly #underWay = new Set<Copy>()
  #bytes = 0

  constructor(upstreams: Upstreams, random: () => number = Math.random) {
    this.#upstreams = upstreams
    this.#random = random
  }

  get active(): number {
    return this.#underWay.size
  }

  /** @param ask as policies left it */
  copy(ask: Ask, { snapshot, requestId, traceparent, headers: asked }: Facts): void {
    const compiled = snapshot.config?.compiled
    if (compiled?.mirror == null || this.#random() * 100 >= compiled.mirror.percent) return
    const target = this.#targetOf(compiled, compiled.mirror.targetId)
    if (target === null) return
    const { length } = ask.bytes
    if (this.#underWay.size >= COPIES_MAX || this.#bytes + length > BYTES_MAX) {
      this.#count('dropped')
      return
    }
    this.#bytes += length
    const copy = new Copy(compiled.mirror.timeoutMs, (outcome) => {
      this.#underWay.delete(copy)
      this.#bytes -= length
      this.#count(outcome)
    })
    this.#underWay.add(copy)
    const [secret = null] = target.secrets
    const stream = ask.stream
    const caller = { requestId, nowMs: controlPlaneNowMs(snapshot), headers: asked }
    const copied = withModelOf(ask, target)
    Promise.try(() => outgoingFor(copied, target, secret, caller))
      .then(({ path, headers, contentType, accept, body }) => {
        if (copy.isOver) return
        const call = { path, headers, contentType, accept, body, stream, requestId, traceparent }
        this.#upstreams.send({ target, secret, ...call, idempotencyKey: null }, copy)
      })
      .catch(() => copy.end('failed')) // what cannot be said to this target is counted, too
  }

  close(): void {
    for (const copy of [...this.#underWay]) copy.abort('failed')
  }

  #targetOf(compiled: CompiledConfig, id: string): Target | null {
    const known = this.#targets.get(compiled)
    if (known !== undefined) return known
    const target = compiled.targets.find((one) => one.id === id && one.unavailable === null) ?? null
    this.#targets.set(compiled, target)
    return target
  }

  #count(outcome: Outcome): void {
    this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + 1)
  }
}

/** A copy goes nowhere where the request itself could not have gone: not past a key's providers, nor a route's targets. */
export function mayMirror(
  { mirror, targets }: CompiledConfig,
  providers: readonly string[] | null,
  ids: readonly string[] | null,
): boolean {
  const target = mirror && targets.find(({ id }) => id === mirror.targetId)
  if (!target) return false
  return (providers === null || providers.includes(target.provider)) && (ids === null || ids.includes(target.id))
}

/** A target that does not serve the model is asked for its own; a form is not written anew for that. */
function withModelOf(ask: Ask, { models, modelMap }: Target): Ask {
  const [own] = models
  if (ask.form !== null) return ask
  const isServed = modelMap.has(ask.model) || models.includes(ask.model) || models.includes('*')
  if (isServed || own === undefined) return ask
  if (ask.surface.addressed !== undefined) return { ...ask, model: own }
  const body = { ...ask.body, model: own }
  return { ...ask, model: own, body, bytes: Buffer.from(JSON.stringify(body)) }
}

class Copy implements UpstreamHandler {
  isOver = false
  readonly #onEnd: (outcome: Outcome) => void
  readonly #timer: NodeJS.Timeout
  #handle: UpstreamCall | null = null
  #status = 0
  #bytes = 0

  constructor(timeoutMs: number, onEnd: (outcome: Outcome) => void) {
    this.#onEnd = onEnd
    this.#timer = setTimeout(() => this.abort('timeout'), timeoutMs).unref()
  }

  abort(outcome: Outcome): void {
    this.end(outcome)
    this.#handle?.abort(new Error('the copy is not waited for any longer'))
  }

  end(outcome: Outcome): void {
    if (this.isOver) return
    this.isOver = true
    clearTimeout(this.#timer)
    this.#onEnd(outcome)
  }

  onRequestStart(handle: UpstreamCall): void {
    this.#handle = handle
    if (this.isOver) handle.abort(new Error('the copy is not waited for any longer'))
  }

  onResponseStart(_: UpstreamCall, status: number): void {
    this.#status = status
  }

  onResponseData(_: UpstreamCall, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > ANSWER_BYTES_MAX) this.abort('failed')
  }

  onResponseEnd(): void {
    this.end(this.#status >= 200 && this.#status < 300 ? 'ok' : 'rejected')
  }

  onResponseError(): void {
    this.end('failed')
  }
}
