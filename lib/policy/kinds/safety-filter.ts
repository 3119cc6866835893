import { z } from 'zod'
import { normalise } from '@/lib/policy/engine/normalise'
import type { Detection, PolicyKind, Term, View } from '@/lib/policy/engine/policy'
import { buildScanner } from '@/lib/policy/engine/scanner'
import { type PendingFrom, pendingEarliest, pendingTail, pendingTerms } from '@/lib/policy/stream/pending'
import { conceptSearch } from './detectors/concepts'
import { HARM_LEXICON, HARM_RULES, MINOR_RULES, MODE_RULES } from './detectors/harm-lexicon'
import { actOn } from './mechanisms/finding'
import { maxDistance, onError, terms } from './mechanisms/setting-shapes'
import { FUZZY_BYTES_MAX, termSearch } from './mechanisms/term-search'

const Settings = z.strictObject({
  /** What it watches for beside weapons, drugs, violence, self-harm, abuse, malware, fraud and hate. */
  mode: z
    .enum(['critical_infrastructure', 'automotive', 'education', 'law_enforcement'])
    .default('critical_infrastructure'),
  /** Words and phrases that stop a text as well. */
  block_if: terms.default([]),
  action: z.enum(['block', 'escalate']).default('block'),
  /** `block_if` is also found when it is misspelt. */
  fuzzy_matching: z.boolean().default(false),
  max_distance: maxDistance.default(1),
  /** Age of the oldest for whom answers are meant; 0 means adults. Under 18, age-restricted subjects are stopped too. */
  max_age: z.number().int().min(0).max(120).default(0),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.1'
const BYTES_MAX = 16_777_216
const ADULT = 18

/** Longest rule, the words at both ends and those that excuse it. */
const WITHIN_MAX = 260

/** Requests for harm and answers that give it. */
export const SAFETY_FILTER: PolicyKind<Settings> = {
  kind: 'safety-filter',
  version: VERSION,
  summary:
    'Stops requests for and instructions about serious harm, by ideas that stand close together, in many languages.',
  phases: ['input', 'tool', 'output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const isForMinors = settings.max_age > 0 && settings.max_age < ADULT
    const search = conceptSearch(HARM_LEXICON, [
      ...HARM_RULES,
      ...MODE_RULES[settings.mode],
      ...(isForMinors ? MINOR_RULES : []),
    ])
    const distance = settings.fuzzy_matching ? settings.max_distance : 0
    const own = termSearch(
      settings.block_if.map((text, index) => ({ text, rule: `block_if[${index}]` })),
      distance,
    )
    const longest = Math.max(0, ...settings.block_if.map(({ length }) => length))
    return {
      kind: 'safety-filter',
      version: VERSION,
      phases: this.phases,
      terms: [...own.terms, ...search.terms],
      onError: settings.on_error,
      streaming: {
        pendingFrom: pendingEarliest(
          pendingIdeas(search.terms),
          pendingTerms([...own.terms, ...search.terms], normalise),
          ...(distance > 0 ? [pendingTail({ lengthMax: 2 * (longest + distance) + 2 })] : []),
        ),
        lookBehind: WITHIN_MAX,
      },
      explain: [
        `${settings.action === 'block' ? 'Stops' : 'Holds for review'} requests for serious harm, with the rules for ${settings.mode.replaceAll('_', ' ')}.`,
        ...(settings.block_if.length > 0 ? [`Also on ${settings.block_if.length} terms of its own.`] : []),
        ...(isForMinors ? [`Keeps to what suits readers of at most ${settings.max_age} years.`] : []),
      ],
      bytesMax: distance > 0 ? FUZZY_BYTES_MAX : BYTES_MAX,
      check(view) {
        const detections: Detection[] = own.terms.length > 0 ? own.find(withHitsBelow(view, own.terms.length)) : []
        for (const { part, index } of view.readable()) {
          if (part.role === 'system') continue
          const hits = view
            .hits(index)
            .flatMap((hit) => (hit.term >= own.terms.length ? [{ ...hit, term: hit.term - own.terms.length }] : []))
          if (hits.length === 0) continue
          for (const { rule, start, end } of search.match(part.text, hits))
            detections.push({ rule, part: index, start, end })
        }
        const message = 'This asks for or contains something that could do serious harm.'
        return actOn(detections, { action: settings.action, reasonCode: 'safety.harmful', message })
      },
    }
  },
}

/** A word of a rule is held back until what would complete the rule, or excuse it, is too far away. */
function pendingIdeas(terms: readonly Term[]): PendingFrom {
  const scanner = buildScanner(terms)
  return (text) => {
    const from = Math.max(0, text.length - WITHIN_MAX)
    const normal = normalise(text.slice(from))
    let earliest = text.length
    scanner.scan(normal.text, (_, start, end) => {
      earliest = Math.min(earliest, from + normal.origin(start, end).start)
    })
    return earliest
  }
}

const withHitsBelow = (view: View, count: number): View => ({
  subject: view.subject,
  nowMs: view.nowMs,
  readable: () => view.readable(),
  hits: (part) => view.hits(part).filter(({ term }) => term < count),
  normal: (part) => view.normal(part),
  decoded: (part) => view.decoded(part),
  facts: (part) => view.facts(part),
})
