import type { GatewayEvent, Verdict } from '@/lib/contract/events'
import type { Chain } from './chain'
import { failed, type Judged, judge, resultOf } from './judge'
import type { Detection, Policy, Ports, Redaction } from './policy'
import { mergeRedactions, originalSpan, redactText } from './redact'
import type { Part, Subject } from './subject'
import { PolicyView, SharedText } from './view'

export type PolicyResult = GatewayEvent['policy_results'][number]

/** What a chain says about one subject in one phase. */
export type Decision = {
  verdict: Verdict
  /** Kind of the policy that decided: of a block, an escalation or the first redaction; null when nobody had anything to say. */
  policy: string | null
  /** `ok` when nothing stood in the way. */
  reasonCode: string
  /** For the caller; never says what was found. */
  message: string | null
  /** Of all policies; sorted, none overlaps another. */
  redactions: readonly Redaction[]
  /** New texts of the parts that change, by index: redacted first, then rewritten. Empty when the subject is blocked. */
  texts: ReadonlyMap<number, string>
  flags: readonly string[]
  detections: readonly Detection[]
  /** Those of the policy that decided. */
  decisive: readonly Detection[]
  /** Ids of the targets that every policy still allows; null when none cares. */
  targets: readonly string[] | null
  /** For the record, in chain order. A policy that did not run, because an earlier one blocked, has no entry. */
  results: readonly PolicyResult[]
  /** What went wrong inside policies, for the log. */
  failures: readonly { policy: string; cause: unknown }[]
}

/**
 * Runs the policies of the subject's phase in chain order and says what to do. Pure: the same subject under the same chain
 * at the same time is always decided the same way.
 *
 * - The first block wins and ends the phase: what comes after it does not run.
 * - An escalation is kept while the rest of the chain runs, so that a later block still blocks; of several the first counts.
 * - Redactions of all policies come together; those that overlap become one.
 * - A rewrite is made of the text as redacted and rewritten before it: a policy that rewrites a text which others change
 *   is asked again about the changed text.
 * - A policy that throws, says something impossible, takes longer than the chain allows or has more to read than it may is
 *   answered for by its `on_error`: `deny` blocks with `policy.error`, `allow` goes on and says so in the record.
 *
 * @throws Error when the chain must ask somebody else in this phase: that takes `decidePhaseAsync`
 */
export function decidePhase(chain: Chain, subject: Subject, nowMs: number): Decision {
  if (chain.asks[subject.phase]) throw new Error('This phase asks other services and cannot be decided at once.')
  const judged = judgeAll(chain, subject, nowMs)
  return conclude(chain, subject, nowMs, judged)
}

/**
 * As `decidePhase`; where the phase asks other services, they are asked together after every `check`, unless one blocked.
 * They see texts as already redacted, so that nothing leaves that a policy of this chain has taken out. Their findings take
 * the place of their policies' own, and count in chain order.
 */
export function decidePhaseAsync(
  chain: Chain,
  subject: Subject,
  nowMs: number,
  ports: Ports,
): Decision | Promise<Decision> {
  if (!chain.asks[subject.phase]) return decidePhase(chain, subject, nowMs)
  const judged = judgeAll(chain, subject, nowMs)
  if (judged.at(-1)?.finding.verdict === 'block') return conclude(chain, subject, nowMs, judged)
  return askAll(chain, subject, nowMs, judged, ports).then((asked) => conclude(chain, subject, nowMs, asked))
}

/** In chain order, up to and including the first block. */
function judgeAll(chain: Chain, subject: Subject, nowMs: number): Judged[] {
  const shared = new SharedText(chain, subject, nowMs)
  const judged: Judged[] = []
  for (const index of chain.phases[subject.phase]) {
    const policy = chain.policies[index]
    if (policy === undefined) continue
    const view = new PolicyView(shared, policy, index)
    const one = judge(policy, view, index, chain.options, () => policy.check(view))
    judged.push(one)
    if (one.finding.verdict === 'block') break
  }
  return judged
}

async function askAll(chain: Chain, subject: Subject, nowMs: number, judged: readonly Judged[], ports: Ports) {
  const redactions = redactionsOf(subject, judged)
  const redacted = withTexts(subject, redactedTexts(subject, redactions))
  const shared = new SharedText(chain, redacted, nowMs)
  return Promise.all(
    judged.map((one) => (one.policy.ask === undefined ? one : ask(chain, one, shared, redactions, ports))),
  )
}

async function ask(
  chain: Chain,
  checked: Judged,
  shared: SharedText,
  redactions: readonly Redaction[],
  ports: Ports,
): Promise<Judged> {
  const { policy, index } = checked
  const view = new PolicyView(shared, policy, index)
  const startedMs = chain.options.clock()
  // Waiting is bounded by the ports, not by the time that a policy may compute.
  const options = { ...chain.options, policyMsMax: Number.POSITIVE_INFINITY }
  try {
    const finding = await policy.ask?.(view, ports)
    const asked = judge(policy, view, index, options, () => finding ?? checked.finding)
    const original = asked.finding.redactions.flatMap((redaction) => {
      const span = originalSpan(redaction, redactions)
      return span.end > span.start || redaction.end === redaction.start ? [{ ...redaction, ...span }] : []
    })
    const latencyMs = checked.latencyMs + chain.options.clock() - startedMs
    return { ...asked, finding: { ...asked.finding, redactions: original }, latencyMs }
  } catch (cause) {
    return { ...failed(policy, view, index, cause), latencyMs: checked.latencyMs + chain.options.clock() - startedMs }
  }
}

function conclude(chain: Chain, subject: Subject, nowMs: number, all: readonly Judged[]): Decision {
  const blockAt = all.findIndex(({ finding }) => finding.verdict === 'block')
  const judged = blockAt === -1 ? all : all.slice(0, blockAt + 1)
  const redactions = redactionsOf(subject, judged)
  let texts: ReadonlyMap<number, string> = NO_TEXTS
  if (blockAt === -1) {
    const rewritten = rewrite(chain, subject, nowMs, judged, redactions)
    if (rewritten.refused !== null) {
      const { refused } = rewritten
      return conclude(
        chain,
        subject,
        nowMs,
        judged.map((one) => (one.index === refused.index ? refused : one)),
      )
    }
    texts = rewritten.texts
  }
  return summary(judged, redactions, texts)
}

function summary(
  judged: readonly Judged[],
  redactions: readonly Redaction[],
  texts: ReadonlyMap<number, string>,
): Decision {
  let decisive: Judged | null = null
  let targets: readonly string[] | null = null
  const flags: string[] = []
  const detections: Detection[] = []
  const results: PolicyResult[] = []
  const failures: { policy: string; cause: unknown }[] = []
  for (const one of judged) {
    const { finding } = one
    if (RANK[finding.verdict] > (decisive === null ? 0 : RANK[decisive.finding.verdict])) decisive = one
    if (finding.targets !== null) {
      const own = finding.targets
      targets = targets === null ? own : targets.filter((target) => own.includes(target))
    }
    for (const flag of finding.flags) if (!flags.includes(flag)) flags.push(flag)
    for (const detection of finding.detections) detections.push(detection)
    results.push(resultOf(one))
    if (one.failure !== null) failures.push({ policy: one.policy.kind, cause: one.failure.cause })
  }
  return {
    verdict: decisive?.finding.verdict ?? 'allow',
    policy: decisive?.policy.kind ?? null,
    reasonCode: decisive?.finding.reasonCode ?? 'ok',
    message: decisive?.finding.message ?? null,
    redactions,
    texts,
    flags,
    detections,
    decisive: decisive?.finding.detections ?? [],
    targets,
    results,
    failures,
  }
}

const RANK = { allow: 0, redact: 1, escalate: 2, block: 3 } as const
const NO_TEXTS: ReadonlyMap<number, string> = new Map()
const NO_REDACTIONS: readonly Redaction[] = []

function redactionsOf(subject: Subject, judged: readonly Judged[]): readonly Redaction[] {
  if (judged.every(({ finding }) => finding.redactions.length === 0)) return NO_REDACTIONS
  return mergeRedactions(
    judged.flatMap(({ finding }) => finding.redactions),
    (part) => subject.parts[part]?.text ?? '',
  )
}

function redactedTexts(subject: Subject, redactions: readonly Redaction[]): Map<number, string> {
  const texts = new Map<number, string>()
  for (const [part, own] of Map.groupBy(redactions, (redaction) => redaction.part)) {
    texts.set(part, redactText(subject.parts[part]?.text ?? '', own))
  }
  return texts
}

/** In chain order. A policy whose text has changed meanwhile says again what it makes of it. */
function rewrite(
  chain: Chain,
  subject: Subject,
  nowMs: number,
  judged: readonly Judged[],
  redactions: readonly Redaction[],
): { texts: ReadonlyMap<number, string>; refused: Judged | null } {
  const rewriting = judged.filter(({ finding }) => finding.rewrites.length > 0)
  if (rewriting.length === 0 && redactions.length === 0) return { texts: NO_TEXTS, refused: null }
  const texts = redactedTexts(subject, redactions)
  for (const { finding, policy, index } of rewriting) {
    let { rewrites } = finding
    if (rewrites.some(({ part }) => texts.has(part))) {
      const again = judgeAgain(chain, withTexts(subject, texts), nowMs, policy, index)
      if (again.finding.verdict === 'block') return { texts, refused: again }
      rewrites = again.finding.rewrites
    }
    for (const { part, text } of rewrites) texts.set(part, text)
  }
  return { texts, refused: null }
}

function judgeAgain(chain: Chain, subject: Subject, nowMs: number, policy: Policy, index: number): Judged {
  const view = new PolicyView(new SharedText(chain, subject, nowMs), policy, index)
  return judge(policy, view, index, chain.options, () => policy.check(view))
}

function withTexts(subject: Subject, texts: ReadonlyMap<number, string>): Subject {
  if (texts.size === 0) return subject
  const changed = (part: Part, index: number): Part => {
    const text = texts.get(index)
    return text === undefined ? part : { ...part, text }
  }
  return { ...subject, parts: subject.parts.map(changed) }
}
