import { z } from 'zod'
import { CLEAN, type Detection, type PolicyKind, type Skipped, type Span, type View } from '@/lib/policy/engine/policy'
import { cosine, embed, referenceVectors } from './mechanisms/embeddings'
import { actOn } from './mechanisms/finding'
import { endpoint, onError, secretKeyRef, timeoutMs } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  /** `local`: text-embeddings-inference; `external`: the OpenAI embeddings API. */
  backend: z.enum(['local', 'external']).default('local'),
  /** The full address of the call. */
  endpoint: endpoint.default('http://localhost:8080/embed'),
  model: z.string().trim().min(1).max(200).default('all-MiniLM-L6-v2'),
  secret_key_ref: secretKeyRef.optional(),
  /** Cosine similarity from which a text belongs to a category, -1 to 1. */
  similarity_threshold: z.number().min(-1).max(1).default(0.7),
  timeout_ms: timeoutMs.default(20),
  action: z.enum(['redact', 'block']).default('block'),
  categories: z
    .array(
      z.strictObject({
        label: z
          .string()
          .trim()
          .min(1)
          .max(60)
          .regex(/^[\w.-]+$/, 'must be letters, digits, ".", "-" or "_"'),
        reference_text: z.string().trim().min(3).max(4_000),
      }),
    )
    .min(1)
    .max(64),
  on_error: onError,
})

/** Models of this kind read about 256 tokens; what is longer would be cut by them unseen. */
const CHUNK_LENGTH_MAX = 900
const CHUNKS_MAX = 128

/** Compares texts by meaning with reference texts. */
export const EMBEDDING_DETECTOR: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'embedding-detector',
  version: '1',
  summary: 'Blocks or redacts passages whose embedding is close to that of a reference text.',
  phases: ['input'],
  settings: Settings,
  needsBlock: true,
  compile(settings) {
    const service = {
      backend: settings.backend,
      endpoint: settings.endpoint,
      model: settings.model,
      secret: settings.secret_key_ref,
      timeoutMs: settings.timeout_ms,
    }
    const references = referenceVectors(
      service,
      settings.categories.map(({ reference_text }) => reference_text),
    )
    return {
      kind: 'embedding-detector',
      version: '1',
      phases: ['input'],
      terms: [],
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        `Compares passages with ${settings.categories.length} reference texts; from a similarity of ${settings.similarity_threshold}: ${settings.action}.`,
        `Vectors come from ${new URL(settings.endpoint).host} within ${settings.timeout_ms} ms; at most ${CHUNKS_MAX} passages per request.`,
      ],
      bytesMax: 262_144,
      check: () => CLEAN,
      async ask(view, ports) {
        const { chunks, skipped } = chunksOf(view)
        if (skipped.length > 0 && settings.on_error === 'deny') throw new Error(`More than ${CHUNKS_MAX} passages.`)
        if (chunks.length === 0) return CLEAN
        const [wanted, vectors] = await Promise.all([
          references(ports),
          embed(
            ports,
            service,
            chunks.map(({ text }) => text),
          ),
        ])
        const detections = chunks.flatMap(({ part, start, end }, index): Detection[] => {
          const vector = vectors[index] ?? []
          const category = settings.categories.find((_, place) => {
            const reference = wanted[place] ?? []
            if (reference.length !== vector.length) throw new Error('The embedding service changed its vectors.')
            return cosine(vector, reference) >= settings.similarity_threshold
          })
          return category ? [{ rule: category.label, part, start, end }] : []
        })
        const found = actOn(detections, {
          action: settings.action,
          reasonCode: 'embedding.similar',
          message: 'This request is about something that is not allowed here.',
        })
        return { ...found, skipped }
      },
    }
  },
}

type Chunk = Span & { part: number; text: string }

function chunksOf(view: View): { chunks: Chunk[]; skipped: Skipped[] } {
  const chunks: Chunk[] = []
  for (const entry of view.readable()) {
    if (entry.kind === 'label') continue
    const { part, index } = entry
    for (const { start, end } of passages(part.text))
      chunks.push({ part: index, start, end, text: part.text.slice(start, end) })
  }
  const left = chunks.length - CHUNKS_MAX
  // The newest text is at the end, and it is what has not been looked at before.
  return left > 0
    ? { chunks: chunks.slice(-CHUNKS_MAX), skipped: [{ what: `${left} earlier passages`, why: `over ${CHUNKS_MAX}` }] }
    : { chunks, skipped: [] }
}

/** Paragraphs, and parts of those that are too long, cut at a space where there is one. */
function passages(text: string): Span[] {
  const spans: Span[] = []
  let start = 0
  while (start < text.length) {
    const paragraph = text.indexOf('\n\n', start)
    let end = paragraph === -1 ? text.length : paragraph
    if (end - start > CHUNK_LENGTH_MAX) {
      const space = text.lastIndexOf(' ', start + CHUNK_LENGTH_MAX)
      end = space > start ? space : start + CHUNK_LENGTH_MAX
    }
    if (text.slice(start, end).trim() !== '') spans.push({ start, end })
    start = Math.max(end, start + 1)
    while (start < text.length && /\s/.test(text[start] ?? '')) start++
  }
  return spans
}
