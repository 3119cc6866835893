import { z } from 'zod'
import { CLEAN, type Detection, type Finding, type PolicyKind, type Ports, type View } from '@/lib/policy/engine/policy'
import { wholeAnswer } from './mechanisms/answer-edits'
import { finding } from './mechanisms/finding'
import { askJudge, hasAddress, judgeShape, shortened } from './mechanisms/judge'
import { ANSWER_POLICY } from './mechanisms/regulated-answer'
import { onError } from './mechanisms/setting-shapes'
import { termSearch } from './mechanisms/term-search'
import { REVIEW_TERMS, REVIEW_TOPICS } from './review-topics'

const Settings = z
  .strictObject({
    mode: z.enum(['judge', 'review_and_return', 'audit_only', 'escalate']),
    /** The judge of `judge` and `review_and_return`. */
    provider: z
      .strictObject({ name: z.string().trim().min(1).max(100), ...judgeShape })
      .omit({ provider: true })
      .optional(),
    /** A request that is itself a review this many deep is not reviewed again. */
    recursion_depth_max: z.number().int().min(1).max(5).default(1),
    /** The judge may not be a provider that could have written the answer. */
    provider_isolation: z.boolean().default(true),
    /** Records the topic that the judge names; never its words, which could repeat the answer. */
    rationale_capture: z.boolean().default(true),
    on_error: onError,
  })
  .superRefine(({ mode, provider }, context) => {
    const asks = mode === 'judge' || mode === 'review_and_return'
    if (asks && !provider)
      context.addIssue({ code: 'custom', path: ['provider'], message: `is needed by the mode ${mode}` })
    if (provider && !hasAddress({ provider: provider.name, endpoint: provider.endpoint })) {
      context.addIssue({
        code: 'custom',
        path: ['provider', 'endpoint'],
        message: 'is needed: only openai has a known address',
      })
    }
  })
type Settings = z.infer<typeof Settings>

/** Carried by reviews that pass through a gateway themselves. */
export const REVIEW_DEPTH_HEADER = 'x-keeptrusts-review-depth'

const Review = z.object({ verdict: z.enum(['allow', 'block', 'escalate']), topic: z.enum([...REVIEW_TOPICS, 'none']) })

const INSTRUCTIONS = `An answer of an assistant contains words of a sensitive topic. Decide whether it may be given.
block: it helps to do serious harm or is itself abusive. escalate: a person should decide. allow: everything else, such as news, help, fiction, education.
Answer with {"verdict": "allow" | "block" | "escalate", "topic": ${[...REVIEW_TOPICS, 'none'].map((topic) => `"${topic}"`).join(' | ')}}.`

/** Gives borderline answers a second look, by a judge or a person. */
export const FLAGGED_REVIEW: PolicyKind<Settings> = {
  kind: 'flagged-review',
  version: '1',
  summary: 'Has answers on sensitive topics reviewed by a judge model or a person.',
  phases: ['output'],
  settings: Settings,
  needsBlock: true,
  compile(settings) {
    const search = termSearch(REVIEW_TERMS)
    const flagged = (view: View): Detection[] => (isTooDeep(settings, view) ? [] : search.find(view))
    const { provider } = settings
    return {
      ...ANSWER_POLICY,
      kind: 'flagged-review',
      version: '1',
      terms: search.terms,
      onError: settings.on_error,
      explain: explain(settings),
      check(view) {
        const detections = flagged(view)
        if (detections.length === 0) return CLEAN
        const flags = topicFlags(detections)
        if (settings.mode !== 'escalate') return finding({ flags, detections })
        const message = 'This answer is being reviewed by a person.'
        return finding({ verdict: 'escalate', reasonCode: 'flagged_review.escalated', message, flags, detections })
      },
      ...(provider && (settings.mode === 'judge' || settings.mode === 'review_and_return')
        ? {
            async ask(view: View, ports: Ports): Promise<Finding> {
              const detections = flagged(view)
              return detections.length === 0 ? CLEAN : review(settings, provider, view, ports, detections)
            },
          }
        : {}),
    }
  },
}

async function review(
  settings: Settings,
  provider: NonNullable<Settings['provider']>,
  view: View,
  ports: Ports,
  detections: readonly Detection[],
): Promise<Finding> {
  if (settings.provider_isolation && view.subject.targets.some((target) => target.provider === provider.name)) {
    throw new Error(`The judge ${provider.name} is a provider of this gateway too, which provider_isolation rules out.`)
  }
  const { verdict, topic } = await askJudge(
    { ...ports, postJson: (url, body, options) => ports.postJson(url, body, withDepth(view, options)) },
    { ...provider, provider: provider.name },
    { instructions: INSTRUCTIONS, document: { answer: shortened(wholeAnswer(view)) }, answer: Review },
  )
  const flags = [
    ...topicFlags(detections),
    `flagged_review.judged:${verdict}`,
    ...(settings.rationale_capture ? [`flagged_review.rationale:${topic}`] : []),
  ]
  if (verdict === 'allow' || settings.mode === 'review_and_return') return finding({ flags, detections })
  return finding({
    verdict,
    reasonCode: verdict === 'block' ? 'flagged_review.blocked' : 'flagged_review.escalated',
    message: verdict === 'block' ? 'A review stopped this answer.' : 'This answer is being reviewed by a person.',
    flags,
    detections,
  })
}

const topicFlags = (detections: readonly Detection[]) => [
  ...new Set(detections.map(({ rule }) => `flagged_review.topic:${rule}`)),
]

function withDepth(view: View, options: Parameters<Ports['postJson']>[2]): Parameters<Ports['postJson']>[2] {
  return { ...options, headers: { ...options.headers, [REVIEW_DEPTH_HEADER]: String(depthOf(view) + 1) } }
}

const isTooDeep = ({ recursion_depth_max }: Settings, view: View) => depthOf(view) >= recursion_depth_max

/** Anybody can write the header, so only a caller with a verified key is believed. */
function depthOf({ subject }: View): number {
  const text = subject.caller.identity === 'verified' ? (subject.caller.headers[REVIEW_DEPTH_HEADER] ?? '') : ''
  return /^\d{1,2}$/.test(text) ? Number(text) : 0
}

const explain = (settings: Settings) => [
  `Flags answers with one of ${REVIEW_TERMS.length} words of ${REVIEW_TOPICS.length} sensitive topics; most such answers are fine.`,
  {
    judge: `Has ${settings.provider?.model} decide: allow, block or escalate.`,
    review_and_return: `Has ${settings.provider?.model} review and records what it says; the answer is given in any case.`,
    audit_only: 'Records the topics; the answer is given.',
    escalate: 'A person decides.',
  }[settings.mode],
]
