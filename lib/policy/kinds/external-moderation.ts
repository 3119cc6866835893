import { z } from 'zod'
import { CLEAN, type Detection, type Finding, type PolicyKind, type Ports, type View } from '@/lib/policy/engine/policy'
import { actOn, finding } from './mechanisms/finding'
import { endpoint, onError, ratio, secretKeyRef, timeoutMs } from './mechanisms/setting-shapes'
import { includes, MODERATION_SERVICES, type Service } from './moderation-services'

const PROVIDERS = [
  'webhook',
  'openai-moderation',
  'azure-content-safety',
  'bedrock-apply-guardrail',
  'embedding-endpoint',
  'presidio',
  'guardrails-ai',
  'dynamo-ai',
  'lakera',
] as const satisfies readonly (keyof typeof MODERATION_SERVICES)[]

const serviceOf = (provider: (typeof PROVIDERS)[number]): Service => MODERATION_SERVICES[provider]

const Settings = z
  .strictObject({
    provider: z.enum(PROVIDERS).default('webhook'),
    secret_key_ref: secretKeyRef.optional(),
    endpoint: endpoint.optional(),
    /** Only these count; all when empty. For `dynamo-ai` they are ids of policies. */
    categories: z.array(z.string().trim().min(1).max(200)).max(100).default([]),
    /** Score from which a category counts, 0 to 1. */
    threshold: ratio.default(0.5),
    /** `redact` needs a service that says where: presidio. */
    action: z.enum(['block', 'redact', 'escalate', 'flag']).default('block'),
    phase: z.enum(['input', 'output', 'both']).default('input'),
    /** Model of `openai-moderation` and `embedding-endpoint`, project of `lakera`. */
    model: z.string().trim().min(1).max(200).optional(),
    /** Of the texts, for `presidio`. */
    language: z
      .string()
      .regex(/^[a-z]{2}$/, 'must be a language code of two letters')
      .default('en'),
    timeout_ms: timeoutMs.default(3_000),
    on_error: onError,
  })
  .superRefine((settings, context) => {
    const service = serviceOf(settings.provider)
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (service.endpoint === null && !settings.endpoint) issue('endpoint', `is needed by ${settings.provider}`)
    if (service.needsCategories && settings.categories.length === 0) {
      issue('categories', `is needed by ${settings.provider}`)
    }
    if (settings.action === 'redact' && settings.provider !== 'presidio') {
      issue('action', 'redact needs presidio: other services do not say where')
    }
  })
type Settings = z.infer<typeof Settings>

/** Services limit the length of a text; longer ones are asked about in pieces. */
const PIECE_LENGTH_MAX = 8_000
/** Pieces overlap, so that nothing short is cut in two unseen. */
const PIECE_OVERLAP = 200
const PIECES_MAX = 32

/** Asks a moderation service about texts. */
export const EXTERNAL_MODERATION: PolicyKind<Settings> = {
  kind: 'external-moderation',
  version: '1',
  summary: 'Asks a moderation service about requests or answers and acts on its scores.',
  phases: ['input', 'output'],
  settings: Settings,
  needsBlock: true,
  compile: (settings) => ({
    kind: 'external-moderation',
    version: '1',
    phases: settings.phase === 'both' ? ['input', 'output'] : [settings.phase],
    terms: [],
    onError: settings.on_error,
    streaming: 'buffered',
    explain: [
      `Asks ${settings.provider} at ${hostOf(settings)} within ${settings.timeout_ms} ms; from a score of ${settings.threshold}: ${settings.action}.`,
      settings.categories.length > 0 ? `Only ${settings.categories.join(', ')} count.` : 'All of its categories count.',
      'Texts leave the gateway for this service, after what other policies redact.',
    ],
    bytesMax: 262_144,
    check: () => CLEAN,
    ask: (view, ports) => moderate(settings, view, ports),
  }),
}

async function moderate(settings: Settings, view: View, ports: Ports): Promise<Finding> {
  const pieces = view
    .readable()
    .filter(({ kind }) => kind !== 'label')
    .flatMap(({ part, index }) => piecesOf(part.text).map((piece) => ({ ...piece, part: index })))
  if (pieces.length > PIECES_MAX) throw new Error(`More than ${PIECES_MAX} pieces of text to ask about.`)
  const service = serviceOf(settings.provider)
  const question = view.subject.phase === 'output' ? 'output' : 'input'
  const counts = ({ category, score }: { category: string; score: number }) =>
    score >= settings.threshold && (settings.categories.length === 0 || isWanted(settings, category))
  const detections: Detection[] = []
  for (const opinions of await inTurns(pieces, ({ text }) =>
    service.moderate(
      ports,
      { ...settings, endpoint: settings.endpoint, model: settings.model, secret_key_ref: settings.secret_key_ref },
      { text, phase: question },
    ),
  )) {
    const { piece, result } = opinions
    const spans = result.spans.filter(counts)
    for (const { category, start, end } of spans) {
      detections.push({ rule: ruleOf(category), part: piece.part, start: piece.start + start, end: piece.start + end })
    }
    if (result.spans.length > 0) continue
    for (const { category } of result.scores.filter(counts)) {
      detections.push({
        rule: ruleOf(category),
        part: piece.part,
        start: piece.start,
        end: piece.start + piece.text.length,
      })
    }
  }
  if (detections.length === 0) return finding({})
  const found = actOn(detections, {
    action: settings.action,
    reasonCode: 'moderation.flagged',
    message: 'A moderation service found this content to be against the rules here.',
  })
  return {
    ...found,
    flags: [...new Set([...found.flags, ...detections.map(({ rule }) => `moderation.${rule}`)])].slice(0, 50),
  }
}

/** `dynamo-ai` says "blocked" beside the ids of policies; services without categories say only that something is wrong. */
const GENERAL = ['blocked', 'flagged', 'guardrail_intervened', 'validation_failed']

const isWanted = ({ categories }: Settings, category: string) =>
  GENERAL.includes(category) || includes(categories, category)

/** Names come from outside: bounded and plain, because they end up in records. */
const ruleOf = (category: string) => category.replace(/[^\w./-]+/g, '_').slice(0, 60)

type Piece = { start: number; text: string; part: number }

function piecesOf(text: string): Omit<Piece, 'part'>[] {
  if (text.trim() === '') return []
  const pieces: Omit<Piece, 'part'>[] = []
  for (let start = 0; start < text.length; start += PIECE_LENGTH_MAX - PIECE_OVERLAP) {
    pieces.push({ start, text: text.slice(start, start + PIECE_LENGTH_MAX) })
    if (start + PIECE_LENGTH_MAX >= text.length) break
  }
  return pieces
}

const AT_ONCE = 4

/** A few at a time, so that one long request does not use up a service's connections. */
async function inTurns<Result>(pieces: readonly Piece[], work: (piece: Piece) => Promise<Result>) {
  const results: { piece: Piece; result: Result }[] = []
  for (let start = 0; start < pieces.length; start += AT_ONCE) {
    const turn = pieces.slice(start, start + AT_ONCE)
    results.push(...(await Promise.all(turn.map(async (piece) => ({ piece, result: await work(piece) })))))
  }
  return results
}

function hostOf({ provider, endpoint: own }: Settings): string {
  const address = own ?? serviceOf(provider).endpoint
  return address ? new URL(address).host : 'its endpoint'
}
