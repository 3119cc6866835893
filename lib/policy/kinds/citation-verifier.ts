import { z } from 'zod'
import { CLEAN, type Finding, type PolicyKind, type Ports, type Skipped, type View } from '@/lib/policy/engine/policy'
import { type Citation, citationsIn, groundedness, indexSources } from './citations'
import { wholeAnswer } from './mechanisms/answer-edits'
import { finding } from './mechanisms/finding'
import { ANSWER_POLICY } from './mechanisms/regulated-answer'
import { ask, secretHeader } from './mechanisms/remote'
import { endpoint, onError, ratio, secretKeyRef, timeoutMs } from './mechanisms/setting-shapes'

const outcome = z.enum(['flag', 'block', 'escalate'])

const Settings = z.strictObject({
  /** An answer must cite something. */
  require_sources: z.boolean().default(true),
  /** What it cites must be among what the request supplied. */
  require_source_match: z.boolean().default(false),
  /** Share of citations that must be found, 0 to 1. */
  min_confidence: ratio.default(0.8),
  /** Share of an answer's longer words that must occur in the sources, 0 to 1. */
  min_groundedness: ratio.optional(),
  /** Asked with `{citations: [{type, value}]}`; answers `{results: [{exists: true}]}`, one each, in order. */
  external_resolver: z
    .strictObject({ endpoint, secret_key_ref: secretKeyRef.optional(), timeout_ms: timeoutMs.default(3_000) })
    .optional(),
  extract_patterns: z
    .array(z.enum(['academic', 'url', 'quote']))
    .min(1)
    .max(3)
    .default(['academic', 'url', 'quote']),
  output_action: z
    .strictObject({ unverified_action: outcome.default('flag'), hallucination_action: outcome.default('block') })
    .prefault({}),
  response: z.strictObject({ include_verification_report: z.boolean().default(true) }).prefault({}),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

/** Beyond this, in UTF-16 units, sources are cut; that is said in `skipped`. */
const SOURCES_LENGTH_MAX = 2_000_000

/** Checks what answers cite against what the request supplied. */
export const CITATION_VERIFIER: PolicyKind<Settings> = {
  kind: 'citation-verifier',
  version: '1',
  summary: 'Checks the citations of answers against the sources of the request or a resolver of yours.',
  phases: ['output'],
  settings: Settings,
  needsBlock: false,
  compile: (settings) => ({
    ...ANSWER_POLICY,
    kind: 'citation-verifier',
    version: '1',
    onError: settings.on_error,
    explain: explain(settings),
    check: (view) => verify(settings, view, null),
    ...(settings.external_resolver
      ? { ask: async (view: View, ports: Ports) => verify(settings, view, await resolve(settings, view, ports)) }
      : {}),
  }),
}

/** @param exists per citation whether the resolver knows it; null when nobody was asked */
function verify(settings: Settings, view: View, exists: readonly boolean[] | null): Finding {
  const answer = wholeAnswer(view)
  if (answer.trim() === '') return CLEAN
  const citations = citationsIn(answer, settings.extract_patterns)
  const { texts, skipped } = sourcesOf(view)
  const sources = indexSources(texts)
  const matched = citations.filter((citation) => sources.has(citation)).length
  const confidence = citations.length === 0 ? 0 : matched / citations.length
  const overlap = sources.isEmpty ? 0 : groundedness(answer, sources)
  const flags = settings.response.include_verification_report
    ? [
        `citation.total:${citations.length}`,
        `citation.matched:${matched}`,
        ...(sources.isEmpty ? ['citation.no_sources_supplied'] : [`citation.groundedness:${overlap.toFixed(2)}`]),
      ]
    : []
  const result = (action: z.infer<typeof outcome>, reasonCode: string, message: string) =>
    finding({
      verdict: action === 'flag' ? 'allow' : action,
      reasonCode,
      message: action === 'flag' ? null : message,
      flags: [...flags, reasonCode],
      skipped,
    })
  const { unverified_action, hallucination_action } = settings.output_action

  if (exists?.includes(false)) {
    return result(hallucination_action, 'citation.not_found', 'The answer cites something that does not exist.')
  }
  if (settings.require_source_match && citations.length > 0 && confidence < settings.min_confidence) {
    return result(hallucination_action, 'citation.not_in_sources', 'The answer cites what its sources do not contain.')
  }
  if (settings.min_groundedness !== undefined && overlap < settings.min_groundedness) {
    return result(hallucination_action, 'citation.ungrounded', 'The answer is not grounded in its sources.')
  }
  if (settings.require_sources && citations.length === 0) {
    return result(unverified_action, 'citation.missing', 'The answer cites no sources.')
  }
  if (citations.length > 0 && exists === null && confidence < settings.min_confidence) {
    return result(unverified_action, 'citation.unverified', 'The citations of the answer could not be verified.')
  }
  return finding({ flags, skipped })
}

async function resolve(settings: Settings, view: View, ports: Ports): Promise<boolean[] | null> {
  const resolver = settings.external_resolver
  const citations = citationsIn(wholeAnswer(view), settings.extract_patterns)
  if (!resolver || citations.length === 0) return null
  const { results } = await ask(ports, {
    name: 'The citation resolver',
    url: resolver.endpoint,
    headers: secretHeader(ports, resolver.secret_key_ref),
    timeoutMs: resolver.timeout_ms,
    body: { citations: citations.map(({ type, value }: Citation) => ({ type, value })) },
    answer: z.object({ results: z.array(z.object({ exists: z.boolean() })).length(citations.length) }),
  })
  return results.map(({ exists }) => exists)
}

/** Everything the model was given that it did not write itself. */
function sourcesOf({ subject }: View): { texts: string[]; skipped: Skipped[] } {
  const texts: string[] = []
  const skipped: Skipped[] = []
  let length = 0
  for (const { role, text } of subject.requestParts) {
    if (role === 'assistant' || text === '') continue
    const left = SOURCES_LENGTH_MAX - length
    if (text.length > left)
      skipped.push({ what: `${text.length - Math.max(0, left)} characters of sources`, why: 'too long' })
    if (left > 0) texts.push(text.slice(0, left))
    length += text.length
  }
  return { texts, skipped }
}

const explain = (settings: Settings) => [
  `Finds ${settings.extract_patterns.join(', ')} citations${settings.require_sources ? '; an answer without any is unverified' : ''}.`,
  settings.require_source_match
    ? `At least ${settings.min_confidence} of them must stand in what the request supplied.`
    : `Fewer than ${settings.min_confidence} of them in what the request supplied: unverified.`,
  ...(settings.min_groundedness === undefined
    ? []
    : [
        `At least ${settings.min_groundedness} of the longer words must occur in the sources: overlap of words, not of meaning.`,
      ]),
  ...(settings.external_resolver ? ['Has each citation looked up by your resolver.'] : []),
  `Unverified: ${settings.output_action.unverified_action}. Invented: ${settings.output_action.hallucination_action}.`,
]
