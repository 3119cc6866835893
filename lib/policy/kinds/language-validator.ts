import { z } from 'zod'
import type { Detection, PolicyKind, Skipped, View } from '@/lib/policy/engine/policy'
import type { Phase } from '@/lib/policy/engine/subject'
import { placeOf } from '@/lib/policy/engine/view'
import { languageOf, loadLanguages } from './detectors/languages'
import { actOn, finding } from './mechanisms/finding'
import { onError, ratio } from './mechanisms/setting-shapes'

const language = z.string().regex(/^[a-z]{2}$/, 'must be a language code of two letters (ISO 639-1)')

const Settings = z.strictObject({
  /** Only these languages; any when empty. */
  allowed_languages: z.array(language).max(60).default([]),
  denied_languages: z.array(language).max(60).default([]),
  applies_to: z.enum(['input', 'output', 'both']).default('input'),
  /** Texts with fewer letters say too little about their language and pass. */
  min_chars: z.number().int().min(10).max(10_000).default(40),
  /** How sure the detector must be, from 0 to 1. */
  min_confidence: ratio.default(0.5),
  action: z.enum(['block', 'escalate', 'flag']).default('block'),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.2'
const BYTES_MAX = 16_777_216
/** Letters are counted in the beginning of a text. */
const READ_MAX = 2_000
/** Two or three sentences tell a language; more cost some microseconds per character and say the same. */
const TOLD_FROM_MAX = 240

const PHASES: Record<Settings['applies_to'], readonly Phase[]> = {
  input: ['input'],
  output: ['output'],
  both: ['input', 'output'],
}

/** Prompts and answers keep to the languages an organisation can review. */
export const LANGUAGE_VALIDATOR: PolicyKind<Settings> = {
  kind: 'language-validator',
  version: VERSION,
  summary: 'Detects the language of each text and stops those that are not allowed.',
  phases: ['input', 'output'],
  settings: Settings,
  needsBlock: true,
  load: loadLanguages,
  compile(settings) {
    const { allowed_languages: allowed, denied_languages: denied } = settings
    return {
      kind: 'language-validator',
      version: VERSION,
      phases: PHASES[settings.applies_to],
      terms: [],
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        ...(allowed.length > 0 ? [`Lets pass only ${allowed.join(', ')}.`] : []),
        ...(denied.length > 0 ? [`Stops ${denied.join(', ')}.`] : []),
        `Texts with fewer than ${settings.min_chars} letters pass.`,
      ],
      bytesMax: BYTES_MAX,
      check: (view) => check(view, settings),
    }
  },
}

function check(view: View, settings: Settings) {
  const detections: Detection[] = []
  const skipped: Skipped[] = []
  for (const entry of view.readable()) {
    const { kind, index } = entry
    if (kind !== 'text' || view.subject.parts[index]?.role === 'system') continue
    const { part } = entry
    const what = placeOf(part)
    const prose = part.text
      .slice(0, READ_MAX * 4)
      .replace(CODE, ' ')
      .slice(0, READ_MAX)
    if (part.text.length > TOLD_FROM_MAX)
      skipped.push({ what, why: `its language is told from ${TOLD_FROM_MAX} characters` })
    if (!hasLetters(prose, settings.min_chars)) {
      skipped.push({ what, why: 'too few letters to tell a language' })
      continue
    }
    const best = languageOf(prose.slice(0, TOLD_FROM_MAX))
    if (best === null || best.confidence < settings.min_confidence) {
      skipped.push({ what, why: 'language not certain' })
      continue
    }
    if (isRefused(best.language, settings))
      detections.push({ rule: `language.${best.language}`, part: index, start: 0, end: part.text.length })
  }
  if (detections.length === 0) return finding({ skipped })
  const message = 'This is written in a language that is not allowed here.'
  return { ...actOn(detections, { action: settings.action, reasonCode: 'language.not_allowed', message }), skipped }
}

function isRefused(found: string, { allowed_languages: allowed, denied_languages: denied }: Settings): boolean {
  const isIn = (list: readonly string[]) => list.includes(found) || (found === 'ms' && list.includes('id'))
  return isIn(denied) || (allowed.length > 0 && !isIn(allowed))
}

/** Code and addresses are in no language. */
const CODE = /```[^`]{0,4000}```|`[^`\n]{1,200}`|https?:\/\/[^\s]{1,500}/g

/** A character of Chinese or Japanese says as much as a few Latin letters. */
function hasLetters(text: string, wanted: number): boolean {
  let letters = 0
  for (const character of text) {
    const code = character.charCodeAt(0)
    if (code < 0x80) letters += (code | 32) >= 97 && (code | 32) <= 122 ? 1 : 0
    else if (/\p{L}/u.test(character))
      letters += /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u.test(character) ? 4 : 1
    if (letters >= wanted) return true
  }
  return false
}
