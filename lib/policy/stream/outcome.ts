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

  readonly #results = new Map<string, PolicyResult>()
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
    return [...this.#results.values()]
  }

  /** @param isRedacted whether what it would redact was there to stay */
  add(decision: Decision, isRedacted: boolean): void {
    for (const flag of decision.flags) if (!this.flags.includes(flag)) this.flags.push(flag)
    if (this.failures.length < FAILURES_MAX) this.failures.push(...decision.failures)
    if (isRedacted) {
      this.#redactedBy ??= { policy: decision.policy, reasonCode: decision.reasonCode }
    }
    const seen = new Map<string, number>()
    for (const result of decision.results) {
      // The same kind may stand in a chain more than once; its entries keep their order.
      const name = `${result.phase} ${result.kind}`
      const nth = (seen.get(name) ?? 0) + 1
      seen.set(name, nth)
      const key = `${name} ${nth}`
      const known = this.#results.get(key)
      this.#results.set(key, known === undefined ? result : merged(known, result))
    }
  }
}

const FAILURES_MAX = 20
const SKIPPED_MAX = 50
const RANK = { allow: 0, redact: 1, escalate: 2, block: 3 } as const

function merged(a: PolicyResult, b: PolicyResult): PolicyResult {
  const strongest = RANK[b.verdict] > RANK[a.verdict] ? b : a
  const news = b.coverage.skipped.filter(
    ({ what, why }) => !a.coverage.skipped.some((known) => known.what === what && known.why === why),
  )
  return {
    ...strongest,
    coverage: {
      ...a.coverage,
      bytes: a.coverage.bytes + b.coverage.bytes,
      messages: Math.max(a.coverage.messages, b.coverage.messages),
      skipped: [...a.coverage.skipped, ...news].slice(0, SKIPPED_MAX),
    },
    latency_ms: a.latency_ms + b.latency_ms,
  }
}
