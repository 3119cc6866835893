import { z } from 'zod'
import type { Ports } from '@/lib/policy/engine/policy'
import { ask, type SecretRef, secretHeader } from './remote'

export type EmbeddingService = {
  /**
   * `external`: the OpenAI embeddings API (`{model, input}` to `{data: [{index, embedding}]}`).
   * `local`: Hugging Face text-embeddings-inference (`{inputs}` to a list of vectors).
   */
  backend: 'local' | 'external'
  endpoint: string
  model: string
  secret: SecretRef | undefined
  timeoutMs: number
}

export type Vector = readonly number[]

const Vector = z.array(z.number()).min(1).max(16_384)
const External = z.object({ data: z.array(z.object({ index: z.number().int().min(0), embedding: Vector })) })
const Local = z.array(Vector)

/**
 * @returns a vector per text, in their order
 * @throws Error when the service does not answer with exactly one vector per text, all of one length
 */
export async function embed(ports: Ports, service: EmbeddingService, texts: readonly string[]): Promise<Vector[]> {
  const name = 'The embedding service'
  const headers = secretHeader(ports, service.secret)
  const common = { name, url: service.endpoint, headers, timeoutMs: service.timeoutMs }
  const vectors =
    service.backend === 'local'
      ? await ask(ports, { ...common, body: { inputs: texts, truncate: true }, answer: Local })
      : inOrder(await ask(ports, { ...common, body: { model: service.model, input: texts }, answer: External }))
  const length = vectors[0]?.length
  if (vectors.length !== texts.length || vectors.some((vector) => vector.length !== length)) {
    throw new Error(`${name} answered with other vectors than asked for.`)
  }
  return vectors
}

const inOrder = ({ data }: z.infer<typeof External>): Vector[] =>
  data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding)

/** Between -1 and 1; 0 when one of them has no direction. */
export function cosine(left: Vector, right: Vector): number {
  let product = 0
  let leftSquares = 0
  let rightSquares = 0
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0
    product += value * other
    leftSquares += value * value
    rightSquares += other * other
  }
  const lengths = Math.sqrt(leftSquares) * Math.sqrt(rightSquares)
  return lengths === 0 ? 0 : product / lengths
}

/** A memo of reference vectors: asked for once, and again when that failed. */
export function referenceVectors(service: EmbeddingService, texts: readonly string[]) {
  let known: Promise<Vector[]> | null = null
  return (ports: Ports): Promise<Vector[]> => {
    known ??= embed(ports, service, texts).catch((error: unknown) => {
      known = null
      throw error
    })
    return known
  }
}
