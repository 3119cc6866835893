import { z } from 'zod'
import type { Finding, PolicyKind, Redaction, Span, View } from '@/lib/policy/engine/policy'
import { appendMissing } from './mechanisms/answer-edits'
import { finding } from './mechanisms/finding'
import { numbered, type PatternSearch, patternSearch } from './mechanisms/pattern-search'
import { ANSWER_POLICY, regulatedAnswer } from './mechanisms/regulated-answer'
import { sentenceAround } from './mechanisms/sentences'
import { onError, patterns } from './mechanisms/setting-shapes'

/** Legal advice to a person about their own case, and posing as a lawyer (ABA Model Rule 5.5). */
const BUILT_IN = [
  {
    rule: 'upl.advice',
    source: String.raw`\b(?:I|we)\s+(?:strongly\s+)?(?:advise|recommend|suggest)\s+(?:that\s+)?you\s+(?:to\s+)?(?:sue|file|plead|sign|settle|appeal|countersue|reject|accept)\b`,
  },
  {
    rule: 'upl.advice',
    source: String.raw`\byou\s+(?:should|must|need\s+to)\s+(?:definitely\s+|immediately\s+)?(?:sue|plead|countersue|file\s+(?:a|an|for|your)|settle|appeal|refuse\s+to\s+testify)\b`,
  },
  {
    rule: 'upl.outcome',
    source: String.raw`\byou(?:'ll|\s+will|\s+would)\s+(?:definitely\s+|certainly\s+|likely\s+)?(?:win|lose|prevail\s+in)\s+(?:this|your|the)\s+(?:case|lawsuit|appeal|claim|trial)\b`,
  },
  {
    rule: 'upl.outcome',
    source: String.raw`\byou\s+have\s+(?:a|an)\s+(?:very\s+)?(?:strong|solid|weak|winnable|excellent)\s+(?:legal\s+)?(?:case|claim|defen[cs]e)\b`,
  },
  {
    rule: 'upl.lawyer',
    source: String.raw`\b(?:as|I am|I'm)\s+your\s+(?:lawyer|attorney|counsel|solicitor|legal\s+(?:representative|advisor))\b`,
  },
  {
    rule: 'upl.representation',
    source: String.raw`\bI\s+(?:will|can|'ll)\s+(?:represent\s+you|draft\s+your\s+(?:will|pleading|complaint|motion))\b`,
  },
]

/** Signs that an answer is about law at all. */
const LEGAL_TOPIC = [
  {
    rule: 'legal',
    source: String.raw`\b(?:lawsuit|litigation|plaintiff|defendant|attorney|lawyer|solicitor|statute|tort|liability|contract law|legal rights?|custody|divorce|eviction|small claims|criminal charges?|plea|court (?:order|filing|date)|statute of limitations|legally (?:binding|required|entitled))\b`,
  },
]

export const UPL_DISCLAIMER =
  'This is general legal information, not legal advice. For advice on your situation, consult a licensed lawyer.'
const EDUCATIONAL =
  'What applies in a particular situation depends on its facts and on local law; a licensed lawyer can say.'

const Settings = z.strictObject({
  /** Added to the built-in patterns. */
  blocked_patterns: patterns.default([]),
  /** Adds a disclaimer to answers about law that lack it. */
  require_disclaimer: z.boolean().default(true),
  /** Replaces sentences of advice instead of blocking the answer. */
  rewrite_to_educational: z.boolean().default(false),
  on_error: onError,
})

/** Keeps answers from practising law. */
export const UPL_FILTER: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'upl-filter',
  version: '1',
  summary: 'Blocks or rewrites legal advice in answers and adds a disclaimer to answers about law.',
  phases: ['output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const search = patternSearch([...BUILT_IN, ...numbered(settings.blocked_patterns, 'blocked_patterns')])
    const topic = patternSearch(LEGAL_TOPIC)
    const disclaimers = settings.require_disclaimer ? [UPL_DISCLAIMER] : []
    return {
      ...ANSWER_POLICY,
      kind: 'upl-filter',
      version: '1',
      onError: settings.on_error,
      explain: [
        `${settings.rewrite_to_educational ? 'Replaces sentences' : 'Blocks answers'} with one of ${BUILT_IN.length} built-in and ${settings.blocked_patterns.length} configured patterns of legal advice.`,
        ...(settings.require_disclaimer
          ? ['Adds a disclaimer to answers about law; JSON answers are left alone.']
          : []),
      ],
      check: (view) =>
        (settings.rewrite_to_educational ? rewritten(view, search, disclaimers) : null) ??
        regulatedAnswer(view, {
          search,
          disclaimers,
          topic: 'upl',
          message: 'The answer contained legal advice and was stopped.',
          needsDisclaimer: (answer) => topic.find(answer).length > 0,
        }),
    }
  },
}

/** Null when there is nothing to rewrite. */
function rewritten(view: View, search: PatternSearch, disclaimers: readonly string[]): Finding | null {
  const detections = search.find(view)
  if (detections.length === 0) return null
  const redactions = view
    .readable()
    .flatMap(({ part, index }): Redaction[] =>
      joined(detections.filter((found) => found.part === index).map((found) => sentenceAround(part.text, found))).map(
        (span) => ({ part: index, ...span, replacement: EDUCATIONAL }),
      ),
    )
  const appended = appendMissing(view, disclaimers)
  return finding({
    reasonCode: 'upl.rewritten',
    detections,
    redactions: [...redactions, ...appended.redactions],
    skipped: appended.skipped,
    flags: ['upl.rewritten'],
  })
}

/** Neighbouring sentences become one, so that the replacement does not repeat. */
function joined(spans: Span[]): Span[] {
  const sorted = spans.toSorted((a, b) => a.start - b.start)
  const result: Span[] = []
  for (const span of sorted) {
    const before = result.at(-1)
    if (before && span.start <= before.end + 1) before.end = Math.max(before.end, span.end)
    else result.push({ ...span })
  }
  return result
}
