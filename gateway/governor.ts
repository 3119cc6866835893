import type { Verdict } from '@/lib/contract/events'
import type { Chain } from '@/lib/policy/engine/chain'
import { type Decision, decidePhaseAsync, type PolicyResult } from '@/lib/policy/engine/decide'
import type { Ports } from '@/lib/policy/engine/policy'
import { writeTexts } from '@/lib/policy/engine/redact'
import type { Caller, ConversationState, Part, Phase, Subject, TargetFacts } from '@/lib/policy/engine/subject'
import { type Walked, WalkRefused } from '@/lib/policy/walk/walked'
import { Refusal } from './errors'
import type { Log } from './plane'
import type { Json } from './providers/adapter'

/** What of a request all phases share. */
export type Governed = {
  apiShape: string
  model: string
  caller: Caller
  targets: readonly TargetFacts[]
  conversation: ConversationState | null
}

/** A body that may go on: as it was given, or as policies changed it. */
export type Passed = { body: Json; targets: readonly string[] | null; walked: Walked }

const REFUSED = { input: 'input_blocked', tool: 'tool_blocked', output: 'output_blocked' } as const

/**
 * Runs the policies of one request, phase by phase, and remembers what they said for the record.
 *
 * Nothing here waits unless a policy asks another service: without one, every answer is there at once.
 */
export class Governor {
  readonly chain: Chain
  verdict: Verdict = 'allow'
  reasonCode = 'ok'
  readonly results: PolicyResult[] = []
  readonly flags: string[] = []
  /** Of the request, once it has been looked through: what output policies compare an answer with. */
  requestParts: readonly Part[] = []
  readonly #governed: Governed
  readonly #nowMs: number
  readonly #ports: Ports
  readonly #log: Log

  constructor(chain: Chain, governed: Governed, nowMs: number, ports: Ports, log: Log) {
    this.chain = chain
    this.#governed = governed
    this.#nowMs = nowMs
    this.#ports = ports
    this.#log = log
  }

  runs(phase: Phase): boolean {
    return this.chain.phases[phase].length > 0
  }

  /**
   * Looks a body through in one phase.
   *
   * @throws Refusal (or rejects with it) when it may not go on
   */
  pass(phase: Phase, body: Json, walk: (body: unknown) => Walked): Passed | Promise<Passed> {
    const walked = this.walked(body, walk)
    if (phase === 'input') this.requestParts = walked.parts
    if (!this.runs(phase)) return { body, targets: null, walked }
    const decision = decidePhaseAsync(this.chain, this.subjectOf(phase, walked), this.#nowMs, this.#ports)
    return decision instanceof Promise
      ? decision.then((decided) => this.#passed(phase, body, walked, decided))
      : this.#passed(phase, body, walked, decision)
  }

  subjectOf(phase: Phase, { parts, toolCalls, tools, skipped }: Walked): Subject {
    const requestParts = phase === 'input' ? NO_PARTS : this.requestParts
    return { phase, ...this.#governed, parts, toolCalls, tools, skipped, requestParts }
  }

  /** @throws Refusal for a body that holds more than is looked through */
  walked(body: Json, walk: (body: unknown) => Walked): Walked {
    try {
      return walk(body)
    } catch (cause) {
      if (!(cause instanceof WalkRefused)) throw cause
      throw new Refusal('invalid_request', `The body holds ${cause.message}.`, { cause })
    }
  }

  /** Takes a decision into the record. */
  note(decision: Pick<Decision, 'verdict' | 'reasonCode' | 'results' | 'flags' | 'failures'>): void {
    this.results.push(...decision.results)
    for (const flag of decision.flags) if (!this.flags.includes(flag)) this.flags.push(flag)
    if (RANK[decision.verdict] > RANK[this.verdict]) {
      this.verdict = decision.verdict
      this.reasonCode = decision.reasonCode
    }
    for (const { policy, cause } of decision.failures) this.#log.error({ err: cause, policy }, 'a policy failed')
  }

  /** null for a decision that lets the body go on. */
  refusalOf(
    phase: Phase,
    { verdict, policy, message }: Pick<Decision, 'verdict' | 'policy' | 'message'>,
  ): Refusal | null {
    const by = policy === null ? {} : { policy }
    if (verdict === 'block') return new Refusal(REFUSED[phase], message ?? MESSAGES[phase], by)
    if (verdict !== 'escalate') return null
    return new Refusal('escalation_required', message ?? 'A person has to decide about this request first.', by)
  }

  #passed(phase: Phase, body: Json, walked: Walked, decision: Decision): Passed {
    this.note(decision)
    const refusal = this.refusalOf(phase, decision)
    if (refusal !== null) throw refusal
    const { texts, targets } = decision
    if (texts.size === 0) return { body, targets, walked }
    const edits = [...texts].flatMap(([part, text]) => {
      const path = walked.parts[part]?.path
      return path === undefined ? [] : [{ path, text }]
    })
    return { body: writeTexts(body, edits) as Json, targets, walked }
  }
}

const NO_PARTS: readonly Part[] = []
const RANK = { allow: 0, redact: 1, escalate: 2, block: 3 } as const
const MESSAGES = {
  input: 'A policy does not allow this request.',
  tool: 'A policy does not allow this tool call.',
  output: 'A policy does not allow this answer.',
} as const
