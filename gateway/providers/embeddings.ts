import { z } from 'zod'
import { type Json, unreadable } from './adapter'
import { HARMLESS, refusal, refusalOf } from './chat'

/** OpenAI's own bound on the texts of one request. */
const TEXTS_MAX = 2_048

const embeddings = z.object({
  input: z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1).max(TEXTS_MAX)], {
    error: 'must be a text or a list of texts; lists of tokens cannot be converted',
  }),
  dimensions: z.int().positive().nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  input_type: z.string().nullish(),
})

/** @throws Refusal `invalid_request` naming what `provider` has nothing like */
export function readEmbeddings(body: Json, converts: readonly string[], provider: string) {
  const known = ['model', 'input', 'encoding_format', ...converts, ...HARMLESS]
  const other = Object.keys(body).find((key) => !known.includes(key) && body[key] !== null)
  if (other !== undefined) throw refusal(other, `cannot be converted for ${provider}`)
  const result = embeddings.safeParse(body)
  if (!result.success) throw refusalOf(result.error)
  const { input, dimensions, input_type } = result.data
  return { texts: input, dimensions: dimensions ?? null, inputType: input_type ?? null }
}

/** Vectors in the shape of OpenAI, as numbers or as little-endian floats in base64, whichever `request` asked for. */
export function embeddingList(vectors: readonly unknown[], model: string, request: Json, tokens: number | null): Json {
  const data = vectors.map((vector, index) => {
    if (!Array.isArray(vector) || !vector.every((one) => typeof one === 'number')) {
      throw unreadable('The provider answered with something else than embeddings.')
    }
    const embedding = request.encoding_format === 'base64' ? base64Of(vector) : vector
    return { object: 'embedding', index, embedding }
  })
  return {
    object: 'list',
    data,
    model,
    ...(tokens === null ? {} : { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
  }
}

const base64Of = (vector: readonly number[]) => Buffer.from(Float32Array.from(vector).buffer).toString('base64')
