import { z } from 'zod'
import type { Detection, PolicyKind, Redaction, View } from '@/lib/policy/engine/policy'
import { STUDENT_NUMBERS } from './detectors/named-values'
import { BASE_CLASSES, CARD_CLASSES, OPTIONAL_CLASSES, personalSearch } from './detectors/personal-data'
import { finding } from './mechanisms/finding'
import { onError } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  action: z.enum(['redact', 'block']).default('redact'),
  /** Stops who says to be under 13 (COPPA) and flags who says to be under 18 (FERPA). */
  age_gate: z.boolean().default(false),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.1'
const BYTES_MAX = 16_777_216
const CLASSES: ReadonlySet<string> = new Set([...BASE_CLASSES, ...CARD_CLASSES, ...OPTIONAL_CLASSES])
const SEARCH = personalSearch(CLASSES, STUDENT_NUMBERS)
const COPPA_AGE = 13
const ADULT_AGE = 18

/** Records of pupils and students stay out of prompts; children do not talk to the model unnoticed. */
export const STUDENT_PRIVACY: PolicyKind<Settings> = {
  kind: 'student-privacy',
  version: VERSION,
  summary:
    'Masks what identifies students (names in their role, student numbers, contacts, grades) and can refuse children.',
  phases: ['input'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    return {
      kind: 'student-privacy',
      version: VERSION,
      phases: this.phases,
      terms: SEARCH.terms,
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        `${settings.action === 'block' ? 'Stops' : 'Masks'} student numbers, names of students and parents, contacts, ids and grades.`,
        ...(settings.age_gate ? ['Stops users who say they are under 13 and flags those under 18.'] : []),
      ],
      bytesMax: BYTES_MAX,
      check: (view) => check(view, settings),
    }
  },
}

function check(view: View, settings: Settings) {
  const detections: Detection[] = []
  const redactions: Redaction[] = []
  let youngest = Number.POSITIVE_INFINITY
  for (const { part, index } of view.readable()) {
    if (settings.age_gate && part.role === 'user') youngest = Math.min(youngest, statedAge(part.text))
    for (const { start, end, rule } of SEARCH.find(part.text, view.facts(index), () => view.hits(index))) {
      detections.push({ part: index, start, end, rule })
      redactions.push({ part: index, start, end, replacement: `[${rule.toUpperCase()}]` })
    }
  }
  const flags = youngest < ADULT_AGE ? ['student_privacy.minor'] : []
  if (youngest < COPPA_AGE) {
    const message = 'This service is not open to children under 13 without the consent of a parent.'
    return finding({ verdict: 'block', reasonCode: 'student_privacy.under_13', message, flags, detections })
  }
  if (detections.length === 0) return finding({ reasonCode: flags[0] ?? 'ok', flags })
  if (settings.action === 'redact')
    return finding({ verdict: 'redact', reasonCode: 'student_privacy.detected', flags, detections, redactions })
  const message = 'This contains data about students.'
  return finding({ verdict: 'block', reasonCode: 'student_privacy.detected', message, flags, detections })
}

const AGE =
  /(?<![\p{L}])(?:(?:i am|i'm|i’m|im|my age is|ich bin|tengo|ho|tenho|ik ben|mam|мне|j'ai|j’ai) (?:only |just |erst |solo )?(\d{1,2})(?= ?(?:years?|yrs?|y\/?o|jahre|ans|años|anni|anos|jaar|lat|лет|год)|[ ]{0,1}[.,!?;]|$)|(?:я|我)(?:今年)?(\d{1,2})岁|(\d{1,2})歳です)/giu
const GRADE = /(?<![\p{L}])(?:i am|i'm|i’m) (?:in|a) (?:the )?(\d{1,2})(?:st|nd|rd|th)[ -]grade/giu
/** In the United States a child is five years older than the grade. */
const YEARS_BEFORE_GRADE = 5

/** The age a writer gives of themselves; infinite when they give none. */
function statedAge(text: string): number {
  const ages = Array.from(text.matchAll(AGE), ([, plain, chinese, japanese]) => Number(plain ?? chinese ?? japanese))
  const grades = Array.from(text.matchAll(GRADE), ([, grade]) => Number(grade) + YEARS_BEFORE_GRADE)
  return Math.min(Number.POSITIVE_INFINITY, ...[...ages, ...grades].filter((age) => age >= 4).slice(0, 1_000))
}
