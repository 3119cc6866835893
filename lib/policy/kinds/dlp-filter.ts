import { z } from 'zod'
import { normalise } from '@/lib/policy/engine/normalise'
import { compilePattern, type Pattern } from '@/lib/policy/engine/pattern'
import {
  CLEAN,
  type Detection,
  type PolicyKind,
  type Redaction,
  type Streaming,
  type Term,
  type View,
} from '@/lib/policy/engine/policy'
import { type PendingFrom, pendingEarliest, pendingTail, pendingTerms } from '@/lib/policy/stream/pending'
import { CLASSIFICATION_MARKERS } from './detectors/classification-markers'
import { joinOverlaps } from './detectors/found'
import { isRandom } from './detectors/randomness'
import { SECRET_LOOK_BEHIND, secretPendingFrom } from './detectors/secret-pending'
import { findSecrets, SECRET_TERMS } from './detectors/secrets'
import { finding } from './mechanisms/finding'
import { maxDistance, onError, patterns, terms } from './mechanisms/setting-shapes'
import { FUZZY_BYTES_MAX, termSearch } from './mechanisms/term-search'

const Settings = z.strictObject({
  /** Regular expressions, case-sensitive, beside the built-in formats of secrets. */
  detect_patterns: patterns.default([]),
  /** Words and phrases, without regard to case. */
  blocked_terms: terms.default([]),
  action: z.enum(['redact', 'block']).default('redact'),
  /** Terms are also found when they are misspelt. */
  fuzzy_matching: z.boolean().default(false),
  max_distance: maxDistance.default(1),
  /** `high` also refuses texts that carry a classification marking; `restricted` masks every long random string as well. */
  sensitivity_level: z.enum(['standard', 'high', 'restricted']).default('standard'),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.1'
const BYTES_MAX = 16_777_216

/** Secrets and an organisation's own words and numbers do not leave. */
export const DLP_FILTER: PolicyKind<Settings> = {
  kind: 'dlp-filter',
  version: VERSION,
  summary:
    'Finds credentials by their published formats or their context, and the terms and patterns of an organisation.',
  phases: ['input', 'tool', 'output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const distance = settings.fuzzy_matching ? settings.max_distance : 0
    const search = termSearch(
      settings.blocked_terms.map((text, index) => ({ text, rule: `blocked_terms[${index}]` })),
      distance,
    )
    const custom = settings.detect_patterns.map((source) => compilePattern(source, { ignoreCase: false }))
    const markers = settings.sensitivity_level === 'standard' ? [] : CLASSIFICATION_MARKERS
    const chainTerms: Term[] = [...search.terms, ...SECRET_TERMS, ...markers.map((text) => ({ text, wholeWord: true }))]
    const places = {
      ownCount: search.terms.length,
      secretEnd: search.terms.length + SECRET_TERMS.length,
      search,
      custom,
    }
    return {
      kind: 'dlp-filter',
      version: VERSION,
      phases: this.phases,
      terms: chainTerms,
      onError: settings.on_error,
      streaming: streamingOf(settings, custom, markers),
      explain: explain(settings),
      bytesMax: distance > 0 ? FUZZY_BYTES_MAX : BYTES_MAX,
      check: (view) => check(view, settings, places),
    }
  },
}

type Places = {
  ownCount: number
  secretEnd: number
  search: ReturnType<typeof termSearch>
  custom: readonly Pattern[]
}

function check(view: View, settings: Settings, { ownCount, secretEnd, search, custom }: Places) {
  const detections: Detection[] = ownCount === 0 ? [] : search.find(withHitsBelow(view, ownCount))
  const markings: Detection[] = []
  for (const { part, index } of view.readable()) {
    const hits = view.hits(index)
    if (hits.length === 0 && custom.length === 0 && settings.sensitivity_level !== 'restricted') continue
    const secretHits = hits.flatMap((hit) =>
      hit.term >= ownCount && hit.term < secretEnd ? [{ ...hit, term: hit.term - ownCount }] : [],
    )
    for (const hit of hits) {
      if (hit.term < secretEnd || !isMarking(part.text, hit, settings.sensitivity_level)) continue
      markings.push({ part: index, start: hit.start, end: hit.end, rule: 'classification_marking' })
    }
    const found = secretHits.length > 0 ? findSecrets(part.text, secretHits, view.facts(index).isPlain) : []
    for (const [place, pattern] of custom.entries()) {
      for (const { start, end } of pattern.spans(part.text))
        found.push({ start, end, rule: `detect_patterns[${place}]` })
    }
    if (settings.sensitivity_level === 'restricted') found.push(...randomStrings(part.text))
    detections.push(...joinOverlaps(found).map((one) => ({ ...one, part: index })))
  }
  if (markings.length > 0) {
    const message = 'This carries a classification marking.'
    // What would only be masked is not what stops it.
    const stopping = settings.action === 'block' ? [...markings, ...detections] : markings
    return finding({ verdict: 'block', reasonCode: 'dlp.classified', message, detections: stopping })
  }
  if (detections.length === 0) return CLEAN
  if (settings.action === 'redact') {
    const redactions = detections.map(
      ({ part, start, end, rule }): Redaction => ({ part, start, end, replacement: `[${labelOf(rule)}]` }),
    )
    return finding({ verdict: 'redact', reasonCode: 'dlp.detected', detections, redactions })
  }
  const message = 'This contains a secret or a term that may not leave the organisation.'
  return finding({ verdict: 'block', reasonCode: 'dlp.detected', message, detections })
}

const labelOf = (rule: string) => (rule.endsWith(']') ? 'REDACTED' : rule.toUpperCase())

/** The search for terms must not see the hits of secrets. */
const withHitsBelow = (view: View, count: number): View => ({
  subject: view.subject,
  nowMs: view.nowMs,
  readable: () => view.readable(),
  hits: (part) => view.hits(part).filter(({ term }) => term < count),
  normal: (part) => view.normal(part),
  decoded: (part) => view.decoded(part),
  facts: (part) => view.facts(part),
})

/** At `high` a marking is written as one: in capitals or at the head of a line. At `restricted` the words are enough. */
function isMarking(
  text: string,
  { start, end }: { start: number; end: number },
  level: Settings['sensitivity_level'],
): boolean {
  if (level === 'restricted') return true
  const marking = text.slice(start, end)
  if (marking !== marking.toLowerCase() && marking === marking.toUpperCase()) return true
  const isAlone = /(?:^|\n)[ \t#*>[(-]{0,8}$/.test(text.slice(Math.max(0, start - 10), start))
  return isAlone && /^[ \t\])*]{0,4}(?::|\n|$)/.test(text.slice(end, end + 6))
}

const LONG_STRING = /(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{32,512}={0,2}(?![A-Za-z0-9+/_=-])/g

const randomStrings = (text: string) =>
  Array.from(text.matchAll(LONG_STRING))
    .filter(({ 0: value }) => isRandom(value))
    .map(({ index, 0: value }) => ({ start: index, end: index + value.length, rule: 'random_string' }))

function streamingOf(settings: Settings, custom: readonly Pattern[], markers: readonly string[]): Streaming {
  const sources: PendingFrom[] = [secretPendingFrom]
  const own = [...settings.blocked_terms, ...markers].map((text) => ({ text }))
  if (own.length > 0) sources.push(pendingTerms(own, normalise))
  if (settings.fuzzy_matching) {
    const longest = Math.max(0, ...settings.blocked_terms.map(({ length }) => length))
    sources.push(pendingTail({ lengthMax: 2 * (longest + settings.max_distance) + 2 }))
  }
  // A marking is known to stand alone only when its line is over.
  if (markers.length > 0) sources.push(pendingTail({ lengthMax: 80 }))
  for (const { lengthMax } of custom) {
    if (lengthMax === null) return 'buffered'
    sources.push(pendingTail({ lengthMax }))
  }
  return { pendingFrom: pendingEarliest(...sources), lookBehind: SECRET_LOOK_BEHIND }
}

function explain(settings: Settings): string[] {
  const does = settings.action === 'block' ? 'Stops' : 'Masks'
  const own = [
    ...(settings.blocked_terms.length > 0 ? [`${settings.blocked_terms.length} terms`] : []),
    ...(settings.detect_patterns.length > 0 ? [`${settings.detect_patterns.length} patterns`] : []),
  ]
  return [
    `${does} credentials: keys and tokens by their published formats, private keys, and passwords by their context.`,
    ...(own.length > 0 ? [`${does} ${own.join(' and ')} of this configuration.`] : []),
    ...(settings.sensitivity_level === 'standard' ? [] : ['Stops texts that carry a classification marking.']),
    ...(settings.sensitivity_level === 'restricted' ? [`${does} every long random string.`] : []),
  ]
}
