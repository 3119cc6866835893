import { z } from 'zod'
import { compilePattern } from '@/lib/policy/engine/pattern'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { type Found, joinOverlaps } from './detectors/found'
import { labelledValues } from './detectors/labelled'
import { CASE_NUMBERS } from './detectors/named-values'
import { plainForm } from './detectors/plain-form'
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

/** `1:24-cv-01234`, `24-cv-1234`, `12 O 345/21`, `C-311/18`, `[2024] EWHC 123`: known by their form alone. */
const CASE_FORMS =
  /(?<![A-Za-z0-9:-])(?:\d{1,2}:)?\d{2,4}-(?:cv|cr|mj|bk|ap|md|civ|crim)-\d{1,6}(?:-[A-Z]{1,4}){0,3}(?![A-Za-z0-9])|(?<![A-Za-z0-9-])[CTF]-\d{1,4}\/\d{2}(?: P)?(?![A-Za-z0-9])|(?<![A-Za-z0-9])[IVX]{0,4} ?\d{0,3} [A-Z][A-Za-z]{0,3}R? \d{1,5}\/\d{2}(?![A-Za-z0-9])|\[(?:19|20)\d{2}\] [A-Z]{2,6}(?: [A-Z][a-z]{2,6})? \d{1,5}(?!\d)/g

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
      terms: [],
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        `Masks ${CLASSES.filter((name) => wanted.has(name)).join(', ') || 'nothing built in'}${own.length > 0 ? ` and ${own.length} patterns` : ''}.`,
      ],
      bytesMax: BYTES_MAX,
      check(view) {
        const detections = view.readable().flatMap(({ part, index }) => {
          const found = caseData(part.text).filter(({ rule }) => wanted.has(rule))
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

function caseData(text: string): Found[] {
  const plain = plainForm(text)
  const found = labelledValues(plain.text, CASE_NUMBERS)
  for (const { index, 0: form } of plain.text.matchAll(CASE_FORMS))
    found.push({ start: index, end: index + form.length, rule: 'case_number' })
  for (const { index, 0: caption, 1: first = '', 2: second = '' } of plain.text.matchAll(CAPTIONS)) {
    found.push({ start: index, end: index + first.length, rule: 'party_name' })
    const end = index + caption.length
    found.push({ start: end - second.length, end, rule: 'party_name' })
  }
  return found.map(({ start, end, rule }) => ({ ...plain.origin(start, end), rule }))
}
