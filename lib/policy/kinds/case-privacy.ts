import { z } from 'zod'
import { compilePattern } from '@/lib/policy/engine/pattern'
import type { PolicyKind, TermHit } from '@/lib/policy/engine/policy'
import type { TextFacts } from '@/lib/policy/engine/text-facts'
import { type Found, joinOverlaps } from './detectors/found'
import { labelledSearch } from './detectors/labelled'
import { CASE_NUMBERS } from './detectors/named-values'
import { plainOf } from './detectors/plain-form'
import { finding } from './mechanisms/finding'
import { onError, patterns } from './mechanisms/setting-shapes'

const CLASSES = ['case_number', 'docket_number', 'party_name'] as const

const Settings = z.strictObject({
  /** `case_number`, `docket_number`, `party_name`, or regular expressions, case-sensitive. */
  detect_patterns: patterns.min(1).default([...CLASSES]),
  action: z.literal('redact').default('redact'),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.1'
const BYTES_MAX = 16_777_216
const SEARCH = labelledSearch(CASE_NUMBERS)

/** `1:24-cv-01234`, `24-cv-1234`, `12 O 345/21`, `C-311/18`, `[2024] EWHC 123`: known by their form alone. */
const CASE_FORMS =
  /(?<![A-Za-z0-9:-])(?:\d{1,2}:)?\d{2,4}-(?:cv|cr|mj|bk|ap|md|civ|crim)-\d{1,6}(?:-[A-Z]{1,4}){0,3}(?![A-Za-z0-9])|(?<![A-Za-z0-9-])[CTF]-\d{1,4}\/\d{2}(?: P)?(?![A-Za-z0-9])|(?<![A-Za-z0-9])[IVX]{0,4} ?\d{0,3} [A-Z][A-Za-z]{0,3}R? \d{1,5}\/\d{2}(?![A-Za-z0-9])|\[(?:19|20)\d{2}\] [A-Z]{2,6}(?: [A-Z][a-z]{2,6})? \d{1,5}(?!\d)/g

/** Of each of them the rarest part. */
const MAY_BE_CASE_FORM = /-(?:c[vri]|mj|bk|ap|md)|\d\/\d\d|\[(?:19|20)\d\d\]/

/** `Smith v. Jones`, `In re Smith`. */
const CAPTIONS =
  /(?<![\p{L}])(\p{Lu}[\p{L}'’.-]{1,24}(?: (?:\p{Lu}[\p{L}'’.-]{0,24}|&|and|of)){0,4}) vs?\. (\p{Lu}[\p{L}'’.-]{1,24}(?: (?:\p{Lu}[\p{L}'’.-]{0,24}|&)){0,4})/gu

/** Numbers of cases and names of parties are masked before a model sees them. */
export const CASE_PRIVACY: PolicyKind<Settings> = {
  kind: 'case-privacy',
  version: VERSION,
  summary: 'Masks case and docket numbers and the names of parties where their role is written.',
  phases: ['input'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const wanted = new Set(settings.detect_patterns)
    const own = settings.detect_patterns
      .filter((source) => !CLASSES.some((name) => name === source))
      .map((source) => compilePattern(source, { ignoreCase: false }))
    return {
      kind: 'case-privacy',
      version: VERSION,
      phases: this.phases,
      terms: SEARCH.terms,
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        `Masks ${CLASSES.filter((name) => wanted.has(name)).join(', ') || 'nothing built in'}${own.length > 0 ? ` and ${own.length} patterns` : ''}.`,
      ],
      bytesMax: BYTES_MAX,
      check(view) {
        const detections = view.readable().flatMap(({ part, index }) => {
          const found = caseData(part.text, view.facts(index), () => view.hits(index)).filter(({ rule }) =>
            wanted.has(rule),
          )
          for (const pattern of own)
            for (const { start, end } of pattern.spans(part.text)) found.push({ start, end, rule: 'custom' })
          return joinOverlaps(found).map((one) => ({ ...one, part: index }))
        })
        if (detections.length === 0) return finding({})
        const redactions = detections.map(({ part, start, end, rule }) => ({
          part,
          start,
          end,
          replacement: `[${rule.toUpperCase()}]`,
        }))
        return finding({ verdict: 'redact', reasonCode: 'case_privacy.detected', detections, redactions })
      },
    }
  },
}

function caseData(text: string, facts: TextFacts, hits: () => readonly TermHit[]): Found[] {
  const { text: plain, origin, digitRuns } = plainOf(text, facts)
  const found = SEARCH.find(plain, facts.hasAsciiWords ? hits() : null, digitRuns)
  if (digitRuns.length > 0 && MAY_BE_CASE_FORM.test(plain)) found.push(...caseForms(plain))
  if (plain.includes(' v. ') || plain.includes(' vs. ')) found.push(...captions(plain))
  return found.map(({ start, end, rule }) => ({ ...origin(start, end), rule }))
}

const caseForms = (text: string): Found[] =>
  Array.from(text.matchAll(CASE_FORMS), ({ index, 0: form }) => ({
    start: index,
    end: index + form.length,
    rule: 'case_number',
  }))

const captions = (text: string): Found[] =>
  Array.from(text.matchAll(CAPTIONS)).flatMap(({ index, 0: caption, 1: first = '', 2: second = '' }) => {
    const end = index + caption.length
    return [
      { start: index, end: index + first.length, rule: 'party_name' },
      { start: end - second.length, end, rule: 'party_name' },
    ]
  })
