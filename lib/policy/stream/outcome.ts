import type { Decision, PolicyResult } from '@/lib/policy/engine/decide'

/** Why an answer is not shown to its end. */
export type Stop = {
  verdict: 'block' | 'escalate'
  /** Null when no policy but a limit of the stream said so. */
  policy: string | null
  reasonCode: string
  message: string | null
}

/** What policies said about an answer, as one verdict over all pieces that they saw. */
export class AnswerOutcome {
  stop: Stop | null = null
  flags: string[] = []
  failures: { policy: string; cause: unknown }[] = []

  /** By phase, in the order of the chain: whoever speaks in a phase speaks in each of its decisions, up to a block. */
  readonly #tallies: Record<PolicyResult['phase'], Tally[]> = { input: [], tool: [], output: [] }
  #redactedBy: { policy: string | null; reasonCode: string } | null = null

  get verdict(): 'allow' | 'redact' | 'block' | 'escalate' {
    return this.stop?.verdict ?? (this.#redactedBy === null ? 'allow' : 'redact')
  }

  get policy(): string | null {
    return (this.stop ?? this.#redactedBy)?.policy ?? null
  }

  get reasonCode(): string {
    return (this.stop ?? this.#redactedBy)?.reasonCode ?? 'ok'
  }

  get message(): string | null {
    return this.stop?.message ?? null
  }

  /**
   * For the record, one per policy. Bytes are those it was given, with what it was given again because a match might have
   * begun there.
   */
  get results(): readonly PolicyResult[] {
    return Object.values(this.#tallies).flatMap((tallies) => tallies.map((tally) => tally.result()))
  }

  /** @param isRedacted whether what it would redact was there to stay */
  add(decision: Decision, isRedacted: boolean): void {
    for (const flag of decision.flags) if (!this.flags.includes(flag)) this.flags.push(flag)
    if (this.failures.length < FAILURES_MAX) this.failures.push(...decision.failures)
    if (isRedacted) {
      this.#redactedBy ??= { policy: decision.policy, reasonCode: decision.reasonCode }
    }
    for (const [place, result] of decision.results.entries()) {
      const tallies = this.#tallies[result.phase]
      const known = tallies[place]
      if (known === undefined) tallies.push(new Tally(result))
      else known.add(result)
    }
  }
}

const FAILURES_MAX = 20
const SKIPPED_MAX = 50
const RANK = { allow: 0, redact: 1, escalate: 2, block: 3 } as const

/** What one policy said about all pieces so far. */
class Tally {
  #strongest: PolicyResult
  #bytes: number
  #messages: number
  #skipped: PolicyResult['coverage']['skipped']
  #latencyMs: number

  constructor(first: PolicyResult) {
    this.#strongest = first
    this.#bytes = first.coverage.bytes
    this.#messages = first.coverage.messages
    this.#skipped = first.coverage.skipped
    this.#latencyMs = first.latency_ms
  }

  add(result: PolicyResult): void {
    const { bytes, messages, skipped } = result.coverage
    if (RANK[result.verdict] > RANK[this.#strongest.verdict]) this.#strongest = result
    this.#bytes += bytes
    this.#messages = Math.max(this.#messages, messages)
    this.#latencyMs += result.latency_ms
    if (skipped.length > 0) this.#skip(skipped)
  }

  #skip(skipped: PolicyResult['coverage']['skipped']): void {
    const isNew = ({ what, why }: { what: string; why: string }) =>
      !this.#skipped.some((known) => known.what === what && known.why === why)
    this.#skipped = [...this.#skipped, ...skipped.filter(isNew)].slice(0, SKIPPED_MAX)
  }

  result(): PolicyResult {
    return {
      ...this.#strongest,
      coverage: {
        ...this.#strongest.coverage,
        bytes: this.#bytes,
        messages: this.#messages,
        skipped: this.#skipped,
      },
      latency_ms: Math.round(this.#latencyMs * 1_000) / 1_000,
    }
  }
}
