import type { GatewayEvent } from '@/lib/contract/events'
import type { ChainOptions } from './chain'
import { PatternError } from './pattern'
import { CLEAN, type Finding, type Policy, type Skipped } from './policy'
import { ScanRefused } from './scan'
import type { Subject } from './subject'
import { PolicyFault, withinTime } from './time-limit'
import type { PolicyView } from './view'

/** What became of one policy. */
export type Judged = {
  policy: Policy
  /** In the chain. */
  index: number
  finding: Finding
  view: PolicyView
  latencyMs: number
  failure: { cause: unknown } | null
}

/** Runs a policy within its budgets. Never throws: what goes wrong is answered for by `on_error`. */
export function judge(
  policy: Policy,
  view: PolicyView,
  index: number,
  { clock, policyMsMax }: ChainOptions,
  run: () => Finding,
): Judged {
  const startedMs = clock()
  try {
    let finding = withinTime(clock, startedMs, policyMsMax, run)
    const latencyMs = Math.max(0, clock() - startedMs)
    if (finding !== CLEAN) {
      assertPossible(finding, view.subject)
      finding = orBlocked(finding, view.subject)
    }
    const judged = { policy, index, finding, view, latencyMs, failure: null }
    if (finding.verdict === 'block') return judged
    if (latencyMs > policyMsMax) throw new PolicyFault(`took longer than ${policyMsMax} ms`)
    if (view.isOverBudget && policy.onError === 'deny')
      throw new PolicyFault(`more than ${policy.bytesMax} bytes to read`)
    return judged
  } catch (cause) {
    return { ...failed(policy, view, index, cause), latencyMs: Math.max(0, clock() - startedMs) }
  }
}

/** What `on_error` makes of a failure. The caller learns that a policy failed, not how. */
export function failed(policy: Policy, view: PolicyView, index: number, cause: unknown): Judged {
  const isDenied = policy.onError === 'deny'
  const finding: Finding = {
    ...CLEAN,
    verdict: isDenied ? 'block' : 'allow',
    reasonCode: 'policy.error',
    message: isDenied ? 'A policy of this gateway could not be applied, so this was not let through.' : null,
    flags: ['policy.error'],
    skipped: [{ what: policy.kind, why: nameOf(cause) }],
  }
  return { policy, index, finding, view, latencyMs: 0, failure: { cause } }
}

/** As the event holds it: what was really read, and everything that was not. */
export function resultOf({ policy, finding, view, latencyMs }: Judged): GatewayEvent['policy_results'][number] {
  const { bytes, messages } = view.coverage()
  return {
    kind: policy.kind,
    phase: view.subject.phase,
    verdict: finding.verdict,
    reason_code: finding.reasonCode,
    coverage: {
      rule: policy.kind,
      rule_version: policy.version,
      bytes,
      messages,
      skipped: bounded(finding.skipped, view.skipped),
    },
    latency_ms: Math.round(latencyMs * 1_000) / 1_000,
  }
}

const SKIPPED_MAX = 50
const NOTHING_SKIPPED: Skipped[] = []

function bounded(said: readonly Skipped[], seen: readonly Skipped[]): Skipped[] {
  if (said.length === 0 && seen.length === 0) return NOTHING_SKIPPED
  const all = [...said, ...seen].map(({ what, why }) => ({ what: what.slice(0, 200), why: why.slice(0, 200) }))
  if (all.length <= SKIPPED_MAX) return all
  const more = all.length - SKIPPED_MAX + 1
  return [...all.slice(0, SKIPPED_MAX - 1), { what: `${more} more`, why: 'not listed' }]
}

/** Messages of errors that are not ours may quote the text that they stumbled over. */
const nameOf = (cause: unknown): string => {
  if (cause instanceof PolicyFault || cause instanceof ScanRefused || cause instanceof PatternError)
    return cause.message
  return cause instanceof Error ? cause.name : 'an unknown error'
}

/** A redaction of what cannot be changed is a block: what a policy wants out must not go on. */
function orBlocked(finding: Finding, { parts }: Subject): Finding {
  if (finding.verdict === 'block' || !finding.redactions.some(({ part }) => parts[part]?.isFixed)) return finding
  const message = 'Something that may not be sent stands where it cannot be taken out: in a key or a name.'
  return { ...finding, verdict: 'block', message, redactions: [], rewrites: [] }
}

function assertPossible({ redactions, rewrites }: Finding, { parts }: Subject): void {
  for (const { part, start, end } of redactions) {
    const length = parts[part]?.text.length ?? -1
    const isInside = Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= length
    if (!isInside) throw new PolicyFault('redacts outside the text')
  }
  for (const { part } of rewrites)
    if (parts[part] === undefined || parts[part].isFixed) throw new PolicyFault('rewrites what cannot be changed')
}
