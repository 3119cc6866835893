import { z } from 'zod'
import { compilePattern, type Pattern } from '@/lib/policy/engine/pattern'
import {
  CLEAN,
  type Detection,
  type PolicyKind,
  type Redaction,
  type Streaming,
  type TermHit,
  type View,
} from '@/lib/policy/engine/policy'
import { factsOf } from '@/lib/policy/engine/text-facts'
import { type PendingFrom, pendingEarliest, pendingTail } from '@/lib/policy/stream/pending'
import { acrossParts } from './detectors/across-parts'
import { type Found, joinOverlaps } from './detectors/found'
import {
  BASE_CLASSES,
  CARD_CLASSES,
  HEALTH_CLASSES,
  PERSONAL_CLASSES,
  type PersonalSearch,
  personalSearch,
} from './detectors/personal-data'
import { ADDRESS_MAX, namedPendingFrom, PERSONAL_LOOK_BEHIND, personalPendingFrom } from './detectors/personal-pending'
import { finding } from './mechanisms/finding'
import { onError, patterns } from './mechanisms/setting-shapes'
import { replacementFor } from './redaction-marker'

const Settings = z.strictObject({
  action: z.enum(['redact', 'block']).default('redact'),
  /** Medical record numbers, insurance numbers and NPI as well. */
  healthcare_mode: z.boolean().default(false),
  /** Payment cards, their security codes and holders. */
  pci_mode: z.boolean().default(true),
  /** Only these classes. Unless stated: all of the modes that are on, without `street_address`. */
  entities: z.array(z.enum(PERSONAL_CLASSES)).min(1).max(PERSONAL_CLASSES.length).optional(),
  /** Regular expressions, case-sensitive, or the name of a class that is looked for in addition. */
  detect_patterns: patterns.default([]),
  redaction: z
    .strictObject({
      marker_format: z.enum(['label', 'asterisks', 'partial']).default('label'),
      /** Whether a record says which class stood where; otherwise only that there was something. */
      include_metadata: z.boolean().default(true),
      /** Markers as long as what they replace. */
      preserve_length: z.boolean().default(false),
      /** Marker per class; `custom` for `detect_patterns`. */
      custom_markers: z.record(z.string().max(64), z.string().max(200)).default({}),
    })
    .prefault({}),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.1'
const BYTES_MAX = 16_777_216

/** Personal data is masked or stopped, in what is sent and in what comes back. */
export const PII_DETECTOR: PolicyKind<Settings> = {
  kind: 'pii-detector',
  version: VERSION,
  summary: 'Finds personal data (addresses, numbers, cards, ids) by checksum, numbering plan or context and masks it.',
  phases: ['input', 'tool', 'output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const classes = classesOf(settings)
    const search = personalSearch(classes)
    const custom = settings.detect_patterns
      .filter((source) => !isClass(source))
      .map((source) => compilePattern(source, { ignoreCase: false }))
    return {
      kind: 'pii-detector',
      version: VERSION,
      phases: this.phases,
      terms: search.terms,
      onError: settings.on_error,
      streaming: streamingOf(classes, custom),
      explain: [
        `${settings.action === 'block' ? 'Stops a request or answer with' : 'Masks'} ${[...classes].join(', ')}.`,
        ...(custom.length > 0 ? [`Also looks for ${custom.length} patterns of its own.`] : []),
      ],
      bytesMax: BYTES_MAX,
      check: (view) => check(view, settings, search, custom),
    }
  },
}

function classesOf(settings: Settings): ReadonlySet<string> {
  const usual = [
    ...BASE_CLASSES,
    ...(settings.pci_mode ? CARD_CLASSES : []),
    ...(settings.healthcare_mode ? HEALTH_CLASSES : []),
  ]
  return new Set([...(settings.entities ?? usual), ...settings.detect_patterns.filter(isClass)])
}

const isClass = (name: string) => PERSONAL_CLASSES.some((known) => known === name)

function check(view: View, { action, redaction }: Settings, search: PersonalSearch, custom: readonly Pattern[]) {
  const detections: Detection[] = []
  const redactions: Redaction[] = []
  const nameOf = (rule: string) => (redaction.include_metadata ? rule : 'personal_data')
  const entries = view.readable()
  const own = new Map<number, readonly Found[]>()
  for (const { part, index } of entries) {
    const { text } = part
    const found = search.find(text, view.facts(index), () => view.hits(index), view.subject.phase === 'input')
    if (found.length > 0) own.set(index, found)
    for (const { start, end, rule } of custom.length === 0 ? found : withOwn(text, found, custom)) {
      detections.push({ part: index, start, end, rule: nameOf(rule) })
      const replacement = replacementFor(text.slice(start, end), rule, redaction)
      redactions.push({ part: index, start, end, replacement })
    }
  }
  // Of an answer the texts are decided one by one, because they come so.
  const splits = view.subject.phase === 'input' ? acrossParts(entries, (text) => findIn(search, text), own) : []
  for (const { rule, value, spans } of splits) {
    const replacement = replacementFor(value, rule, redaction)
    for (const [place, span] of spans.entries()) {
      detections.push({ ...span, rule: nameOf(rule) })
      redactions.push({ ...span, replacement: place === 0 ? replacement : '' })
    }
  }
  if (detections.length === 0) return CLEAN
  if (action === 'redact') return finding({ verdict: 'redact', reasonCode: 'pii.detected', detections, redactions })
  const message = 'This contains personal data, which the policy of your organisation does not allow here.'
  return finding({ verdict: 'block', reasonCode: 'pii.detected', message, detections })
}

const findIn = (search: PersonalSearch, text: string) => search.find(text, factsOf(text), () => NO_HITS)
const NO_HITS: readonly TermHit[] = []

function withOwn(text: string, found: readonly Found[], custom: readonly Pattern[]): Found[] {
  const own = custom.flatMap((pattern) => pattern.spans(text).map(({ start, end }) => ({ start, end, rule: 'custom' })))
  return joinOverlaps([...found, ...own])
}

const HOLDER = /card ?holder|name on|karteninhaber|titula/i
const HEALTH_LABEL =
  /mrn|record|patient|chart|insurance|member|subscriber|beneficiary|policy|group|medica|health|versicher|nhs|npi|clínica/i

function streamingOf(classes: ReadonlySet<string>, custom: readonly Pattern[]): Streaming {
  const sources: PendingFrom[] = [personalPendingFrom]
  if (classes.has('cardholder_name')) sources.push(namedPendingFrom(HOLDER))
  if (HEALTH_CLASSES.some((name) => classes.has(name))) sources.push(namedPendingFrom(HEALTH_LABEL))
  if (classes.has('street_address')) sources.push(pendingTail({ lengthMax: ADDRESS_MAX }))
  for (const { lengthMax } of custom) {
    if (lengthMax === null) return 'buffered'
    sources.push(pendingTail({ lengthMax }))
  }
  return { pendingFrom: pendingEarliest(...sources), lookBehind: PERSONAL_LOOK_BEHIND }
}
