import { z } from 'zod'
import { normalise } from '@/lib/policy/engine/normalise'
import { compilePattern, type Pattern } from '@/lib/policy/engine/pattern'
import {
  CLEAN,
  type Detection,
  type Finding,
  type NormalText,
  type PolicyKind,
  type Skipped,
  type TermHit,
  type View,
} from '@/lib/policy/engine/policy'
import { buildScanner } from '@/lib/policy/engine/scanner'
import type { Part } from '@/lib/policy/engine/subject'
import { placeOf } from '@/lib/policy/engine/view'
import { type ConceptMatch, combine, conceptSearch } from './detectors/concepts'
import { joinedLetters, tagText, unescaped, unleeted } from './detectors/disguised-text'
import { BOUNDARY_TERMS, fakeBoundaries } from './detectors/injection-boundaries'
import { INDIRECT_RULES, INJECTION_LEXICON, INJECTION_RULES } from './detectors/injection-lexicon'
import { loadedModel, suspicionOf, weightOf } from './detectors/injection-model'
import { isTalkAbout } from './detectors/talk-about'
import { finding } from './mechanisms/finding'
import { onError, patterns, ratio, wording } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  /** Score from 0 to 1 from which a text counts as an attack. The score is computed here; no provider is asked. */
  embedding_threshold: ratio.default(0.8),
  detection: z
    .strictObject({
      /** Regular expressions without regard to case; a match is an attack. */
      attack_patterns: patterns.default([]),
      /** Also asks a small model that was trained on attacks; it is part of the gateway. */
      learned: z.boolean().default(true),
    })
    .prefault({}),
  encoding: z
    .strictObject({
      /** Also reads what is written in base64, hex or percent-encoding. */
      decode_base64: z.boolean().default(true),
      /** Reads text without invisible and full-width characters, spaced or leet letters. */
      normalize_unicode: z.boolean().default(true),
      /** Letters of other scripts that look like Latin ones count as those. */
      detect_homoglyphs: z.boolean().default(true),
    })
    .prefault({}),
  boundaries: z
    .strictObject({
      /** Special tokens of chat templates outside the system prompt are a sign of an attack. */
      enforce_delimiters: z.boolean().default(true),
      /** Made-up role tags, headings and ends of input are a sign of an attack. */
      reject_fake_boundaries: z.boolean().default(true),
    })
    .prefault({}),
  response: z
    .strictObject({
      /** `log` lets the request pass and flags it. */
      action: z.enum(['block', 'log', 'escalate']).default('block'),
      message: wording.optional(),
      log_level: z.enum(['debug', 'info', 'warn', 'error']).default('warn'),
    })
    .prefault({}),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.2'
const BYTES_MAX = 16_777_216
const REASON = 'prompt_injection.detected'
const MESSAGE = 'This looks like an attempt to change or reveal the instructions of the assistant.'

const direct = conceptSearch(INJECTION_LEXICON, INJECTION_RULES, 'paper')
const indirect = conceptSearch(INJECTION_LEXICON, [...INJECTION_RULES, ...INDIRECT_RULES], 'paper')

type Sign = { rule: string; weight: number; start: number; end: number }

/** Attempts to give the model other instructions, to have it reveal its own, or to be taken for somebody else. */
export const PROMPT_INJECTION: PolicyKind<Settings> = {
  kind: 'prompt-injection',
  version: VERSION,
  summary:
    'Scores signs of instruction override, prompt extraction, persona tricks, fake roles and orders hidden in documents.',
  phases: ['input', 'tool'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    if (settings.detection.learned) loadedModel()
    const own = settings.detection.attack_patterns.map((source) => compilePattern(source, { ignoreCase: true }))
    return {
      kind: 'prompt-injection',
      version: VERSION,
      phases: this.phases,
      readsResults: true,
      terms: [...direct.terms, ...BOUNDARY_TERMS],
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        `${does(settings.response.action)} what scores ${settings.embedding_threshold} or more as an injection, in what users, tools and documents say.`,
        ...(settings.detection.learned ? ['Asks a small model of its own, trained on attacks.'] : []),
        ...(settings.encoding.decode_base64 ? ['Reads encoded text too.'] : []),
        ...(own.length > 0 ? [`Looks for ${own.length} patterns of its own.`] : []),
      ],
      bytesMax: BYTES_MAX,
      check: (view) => check(view, settings, own),
    }
  },
}

const does = (action: Settings['response']['action']) =>
  action === 'block' ? 'Stops' : action === 'escalate' ? 'Holds for review' : 'Flags'

function check(view: View, settings: Settings, own: readonly Pattern[]): Finding {
  const detections: Detection[] = []
  const skipped: Skipped[] = []
  for (const { part, index } of view.readable()) {
    if (view.subject.phase === 'input' && (part.role === 'system' || part.role === 'assistant')) {
      skipped.push({
        what: placeOf(part),
        why: `written by the ${part.role}, not by somebody outside`,
      })
      continue
    }
    const signs = signsIn(view, part, index, settings, own)
    if (combine(signs) < settings.embedding_threshold) continue
    for (const { rule, start, end } of signs) detections.push({ rule, part: index, start, end })
  }
  if (detections.length === 0) detections.push(...overParts(view, settings))
  if (detections.length === 0) return skipped.length === 0 ? CLEAN : finding({ skipped })
  const { action, message, log_level } = settings.response
  if (action === 'log')
    return finding({ reasonCode: REASON, flags: [REASON, `log_level.${log_level}`], detections, skipped })
  return finding({ verdict: action, reasonCode: REASON, message: message ?? MESSAGE, detections, skipped })
}

/** So much on both sides of a joint is read again. */
const JOINT_UNITS = 300
/** Parts of one message beyond these are not put together. */
const JOINED_MAX = 64

/** A sentence that was cut over parts of one message: what each says alone is harmless. */
function overParts(view: View, settings: Settings): Detection[] {
  let run: { part: Part; index: number }[] = []
  const found: Detection[] = []
  const close = () => {
    if (run.length > 1) found.push(...joinedSigns(run, settings))
    run = []
  }
  for (const one of view.readable()) {
    const { role, message, kind } = one.part
    const first = run[0]?.part
    if (first && (first.message !== message || first.role !== role || first.kind !== kind)) close()
    if (kind !== 'text' && kind !== 'tool_result') continue
    if (view.subject.phase === 'input' && (role === 'system' || role === 'assistant')) continue
    // Without a word of its own a part adds nothing.
    if (message >= 0 && run.length < JOINED_MAX && view.hits(one.index).length > 0) run.push(one)
  }
  close()
  return found
}

function joinedSigns(run: readonly { part: Part; index: number }[], settings: Settings): Detection[] {
  const joined = run.map(({ part: { text } }) => (text.length <= 2 * JOINT_UNITS ? text : edgesOf(text))).join(' ')
  const search = run[0]?.part.kind === 'text' ? direct : indirect
  const signs = weighed(joined, search.match(joined, hitsIn(normalise(joined))))
  if (combine(signs) < settings.embedding_threshold) return []
  const rules = [...new Set(signs.map(({ rule }) => rule))]
  return run.flatMap(({ part, index }) => rules.map((rule) => ({ rule, part: index, start: 0, end: part.text.length })))
}

/** What is left out keeps its ends apart. */
const edgesOf = (text: string) => `${text.slice(0, JOINT_UNITS)}${'\n'.repeat(JOINT_UNITS)}${text.slice(-JOINT_UNITS)}`

function signsIn(view: View, part: Part, index: number, settings: Settings, own: readonly Pattern[]): Sign[] {
  const { encoding, boundaries } = settings
  const { text } = part
  const search = part.kind === 'text' || part.kind === 'label' ? direct : indirect
  const { hasAsciiWords, isPlain, digitRuns } = view.facts(index)
  const isFolded = encoding.normalize_unicode && encoding.detect_homoglyphs
  const hits = isFolded
    ? view.hits(index)
    : view.hits(index).filter(({ start, end }) => isAsWritten(text, start, end, encoding))
  const signs: Sign[] = weighed(text, search.match(text, hits))
  if (settings.detection.learned) signs.push(...learnedSigns(isPlain || !isFolded ? plain(text) : view.normal(index)))
  if (boundaries.enforce_delimiters || boundaries.reject_fake_boundaries) {
    const isWanted = (rule: string) =>
      rule.startsWith('chat_template') ? boundaries.enforce_delimiters : boundaries.reject_fake_boundaries
    signs.push(...fakeBoundaries(text, boundaryTerms(view.hits(index))).filter(({ rule }) => isWanted(rule)))
  }
  const whole = { start: 0, end: text.length }
  if (encoding.decode_base64) {
    for (const { text: hidden, start, end } of view.decoded(index))
      signs.push(...hiddenSigns(hidden, { start, end }, settings))
  }
  if (encoding.normalize_unicode) {
    for (const hidden of [hasAsciiWords ? '' : tagText(text), joinedLetters(text)])
      if (hidden !== '') signs.push(...hiddenSigns(hidden, whole, settings))
    // These give the text as a whole again, so only what the text does not say openly was hidden.
    for (const hidden of [unleeted(text, digitRuns), unescaped(text)])
      if (hidden !== '') signs.push(...hiddenSigns(hidden, whole, settings, [...signs, ...indirect.match(text, hits)]))
  }
  return own.length === 0 ? signs : signs.concat(ownSigns(view.normal(index), own))
}

/** What is less suspicious than this adds nothing. */
const LEARNED_MIN = 0.3

/** What the rules have no words for, but a model that has read attacks. */
function learnedSigns(normal: NormalText): Sign[] {
  const { score, start, end } = suspicionOf(normal.text)
  const weight = weightOf(score)
  return weight < LEARNED_MIN ? [] : [{ rule: 'learned', weight, ...normal.origin(start, end) }]
}

/** A text that stands for its normal form: the model reads either case. */
const plain = (text: string): NormalText => ({ text, origin: (start, end) => ({ start, end }) })

const NO_TERMS: readonly number[] = []

/** Which of `BOUNDARY_TERMS` were hit. */
function boundaryTerms(hits: readonly TermHit[]): readonly number[] {
  let found: number[] | null = null
  for (const { term } of hits) {
    if (term < direct.terms.length) continue
    found ??= []
    found.push(term - direct.terms.length)
  }
  return found ?? NO_TERMS
}

function ownSigns(normal: NormalText, own: readonly Pattern[]): Sign[] {
  return own.flatMap((pattern, place) =>
    pattern
      .spans(normal.text)
      .map(({ start, end }) => ({ ...normal.origin(start, end), rule: `attack_patterns[${place}]`, weight: 1 })),
  )
}

const NOT_ASCII = /[^\x00-\x7f]/
const FULL_WIDTH = /[\uff01-\uff5e\u200b-\u200f\u2060-\u2064\u00ad]/

/** With folding off, a word counts only as it is written. */
function isAsWritten(text: string, start: number, end: number, encoding: Settings['encoding']): boolean {
  const word = text.slice(start, end)
  if (!NOT_ASCII.test(word)) return true
  const isMixed = /[A-Za-z]/.test(word) && /[\u0370-\u052f]/.test(word)
  return (encoding.detect_homoglyphs || !isMixed) && (encoding.normalize_unicode || !FULL_WIDTH.test(word))
}

/** Quoted examples in talk about attacks weigh little. */
const TALK_FACTOR = 0.4

const weighed = (text: string, matches: readonly ConceptMatch[]): Sign[] =>
  matches.map((match) => (isTalkAbout(text, match) ? { ...match, weight: match.weight * TALK_FACTOR } : match))

let scanner: ReturnType<typeof buildScanner> | undefined

/** Words of the lexicon and of boundaries in a text that the chain has not scanned. */
function hitsIn(normal: NormalText): TermHit[] {
  scanner ??= buildScanner([...indirect.terms, ...BOUNDARY_TERMS])
  const hits: TermHit[] = []
  scanner.scan(normal.text, (term, start, end) => hits.push({ term, ...normal.origin(start, end) }))
  return hits
}

/** Nobody hides harmless orders: what is hidden weighs more, and its place is that of the disguise. */
const HIDDEN_WEIGHT = 0.3

function hiddenSigns(
  hidden: string,
  place: { start: number; end: number },
  { detection }: Settings,
  open: readonly { rule: string }[] = [],
): Sign[] {
  const isOpen = new Set(open.map(({ rule }) => rule))
  const normal = normalise(hidden)
  const hits = hitsIn(normal)
  const found = [
    ...indirect.match(hidden, hits),
    ...fakeBoundaries(hidden, boundaryTerms(hits)),
    ...(detection.learned ? learnedSigns(normal) : []),
  ].filter(({ rule }) => !isOpen.has(rule))
  if (found.length === 0) return []
  const disguise = { ...place, rule: 'disguised', weight: HIDDEN_WEIGHT }
  return [disguise, ...found.map(({ rule, weight }) => ({ ...place, rule, weight }))]
}
