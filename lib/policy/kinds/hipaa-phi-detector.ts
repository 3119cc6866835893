import { z } from 'zod'
import type { Detection, PolicyKind, Redaction, TermHit, View } from '@/lib/policy/engine/policy'
import type { TextFacts } from '@/lib/policy/engine/text-facts'
import { dateAt } from './detectors/dates'
import { type Found, joinOverlaps } from './detectors/found'
import { signTerm } from './detectors/labelled'
import { HIPAA_NUMBERS } from './detectors/named-values'
import { readGroups } from './detectors/number-groups'
import { PERSONAL_CLASSES, personalSearch } from './detectors/personal-data'
import { plainOf } from './detectors/plain-form'
import { finding } from './mechanisms/finding'
import { onError } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  /** The 18 identifiers of 45 CFR 164.514(b)(2). */
  mode: z.literal('hipaa_18').default('hipaa_18'),
  action: z.enum(['redact', 'block']).default('redact'),
  /** Keeps what the Safe Harbor method lets stand: the year of a date and the first three digits of a ZIP code. */
  safe_harbor_method: z.boolean().default(false),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.1'
const BYTES_MAX = 16_777_216
const CLASSES: ReadonlySet<string> = new Set(PERSONAL_CLASSES)
const SEARCH = personalSearch(CLASSES, HIPAA_NUMBERS)

/** Words of health care, in whose company dates, ages and links belong to a patient. */
const HEALTH =
  /patient|diagnos|hospital|clinic|surgery|medic|doctor|\bdr\.|nurse|treat|therap|prescri|disease|cancer|diabet|symptom|admitted|discharged|blood|insurance|\bmrn\b|krank|arzt|klinik|befund|médecin|hôpital|maladie|paciente|médico|enfermedad|患者|病人/iu
/** Without one of these in a text of ASCII words there is none of them. */
const HEALTH_SIGNS =
  'patient diagnos hospital clinic surgery medic doctor |dr| nurse treat therap prescri disease cancer diabet symptom admitted discharged blood insurance |mrn| krank arzt klinik befund maladie paciente enfermedad'.split(
    ' ',
  )
const TERMS = [...SEARCH.terms, ...HEALTH_SIGNS.map(signTerm)]

/** The 18 identifiers of patients are masked or stopped. */
export const HIPAA_PHI_DETECTOR: PolicyKind<Settings> = {
  kind: 'hipaa-phi-detector',
  version: VERSION,
  summary: 'Finds the 18 identifiers of the HIPAA Safe Harbor list, with dates and ages where a text is about health.',
  phases: ['input', 'tool', 'output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    return {
      kind: 'hipaa-phi-detector',
      version: VERSION,
      phases: this.phases,
      terms: TERMS,
      onError: settings.on_error,
      // Whether a text is about health may be said in its last sentence.
      streaming: 'buffered',
      explain: [
        `${settings.action === 'block' ? 'Stops' : 'Masks'} identifiers of patients: names, places, dates, contacts, numbers, devices and links.`,
        'A name counts where its role or title is written before it. Images and voices are not looked into.',
      ],
      bytesMax: BYTES_MAX,
      check: (view) => check(view, settings),
    }
  },
}

function check(view: View, settings: Settings) {
  const detections: Detection[] = []
  const redactions: Redaction[] = []
  for (const { part, index } of view.readable()) {
    for (const one of healthIdentifiers(part.text, view.facts(index), () => view.hits(index))) {
      detections.push({ ...one, part: index })
      const replacement = markerOf(part.text.slice(one.start, one.end), one.rule, settings.safe_harbor_method)
      redactions.push({ part: index, start: one.start, end: one.end, replacement })
    }
  }
  if (detections.length === 0) return finding({})
  if (settings.action === 'redact')
    return finding({ verdict: 'redact', reasonCode: 'phi.detected', detections, redactions })
  const message = 'This contains protected health information.'
  return finding({ verdict: 'block', reasonCode: 'phi.detected', message, detections })
}

function healthIdentifiers(text: string, facts: TextFacts, hits: () => readonly TermHit[]): Found[] {
  const found = SEARCH.find(text, facts, hits)
  const isSeen = !facts.hasAsciiWords || hits().some(({ term }) => term >= SEARCH.terms.length)
  if (!isSeen || !HEALTH.test(text)) return found
  const plain = plainOf(text, facts)
  const circumstances = [...dates(plain.text), ...ages(plain.text), ...links(plain.text)]
  return joinOverlaps([
    ...found,
    ...circumstances.map(({ start, end, rule }) => ({ ...plain.origin(start, end), rule })),
  ])
}

const GROUP_START = /(?<![A-Za-z0-9_.-])\d/g

function dates(text: string): Found[] {
  return Array.from(text.matchAll(GROUP_START)).flatMap(({ index }) => {
    const date = dateAt(text, readGroups(text, index))
    return date ? [{ ...date, rule: 'date' }] : []
  })
}

const AGE = /(?<![\d.])(?:9\d|1[01]\d)(?=[ -](?:years?|year|yrs?|y\/?o|jahre|ans|años)(?![\p{L}]))/giu

/** Safe Harbor names ages over 89 only. */
const ages = (text: string): Found[] =>
  Array.from(text.matchAll(AGE), ({ index, 0: age }) => ({
    start: index,
    end: index + age.length,
    rule: 'age_over_89',
  }))

const LINK = /(?<![A-Za-z0-9])https?:\/\/[^\s"'<>]{1,2000}/gi

const links = (text: string): Found[] =>
  Array.from(text.matchAll(LINK), ({ index, 0: link }) => ({ start: index, end: index + link.length, rule: 'url' }))

function markerOf(value: string, rule: string, isSafeHarbor: boolean): string {
  const label = rule.toUpperCase()
  if (isSafeHarbor && (rule === 'date' || rule === 'date_of_birth')) {
    const year = /(?:19|20)\d{2}/.exec(value)?.[0]
    if (year !== undefined) return `[${label} ${year}]`
  }
  if (isSafeHarbor && rule === 'zip_code' && !RESTRICTED_ZIPS.has(value.slice(0, 3))) return `${value.slice(0, 3)}**`
  return `[${label}]`
}

/** Areas with 20,000 people or fewer, whose first three digits must go as well (HHS guidance, Census 2000). */
const RESTRICTED_ZIPS: ReadonlySet<string> = new Set([
  '036',
  '059',
  '063',
  '102',
  '203',
  '556',
  '692',
  '790',
  '821',
  '823',
  '830',
  '831',
  '878',
  '879',
  '884',
  '890',
  '893',
])
