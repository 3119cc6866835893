import { z } from 'zod'
import { fieldsOf } from '../meter'
import { type Addressed, type Json, unreadable } from '../providers/adapter'
import { refusal, refusalOf } from '../providers/chat'
import { listOf } from '../providers/completion'
import { geminiErrorOf } from './gemini-error'
import { maybe, withCamelCase } from './gemini-fields'
import type { Surface } from './surface'

const request = z.strictObject({
  model: maybe(z.string()),
  content: z.strictObject({
    role: maybe(z.string()),
    parts: z.array(z.strictObject({ text: z.string() })).length(1, { error: 'must be one text to be converted' }),
  }),
  taskType: maybe(
    z.enum(['TASK_TYPE_UNSPECIFIED', 'RETRIEVAL_QUERY', 'RETRIEVAL_DOCUMENT', 'CLASSIFICATION', 'CLUSTERING']),
  ),
  outputDimensionality: maybe(z.int().positive()),
})
type Request = z.output<typeof request>
const batch = z.strictObject({ model: maybe(z.string()), requests: z.array(request).min(1) })

/**
 * Google's embeddings in front of any provider that has some. What travels between two different ones becomes a request for
 * embeddings of OpenAI's on the way. Source: ai.google.dev/api/embeddings.
 */
export function geminiEmbeddings(addressed: Addressed): Surface {
  const isBatch = addressed.action === 'batchEmbedContents'
  return {
    shape: 'gemini_embeddings',
    path: `/${addressed.version}/models/{model}:${addressed.action}`,
    addressed,
    toChat: (body) => embeddingsOf(isBatch ? read(batch, body).requests : [read(request, body)], addressed.model),
    answer: ({ data }) => {
      const embeddings = listOf(data).map(valuesOf)
      if (isBatch) return { embeddings }
      const [embedding] = embeddings
      if (embedding === undefined) throw unreadable('The provider answered with something else than embeddings.')
      return { embedding }
    },
    writer: () => {
      throw new Error('embeddings do not stream')
    },
    refuse: geminiErrorOf,
  }
}

function read<T extends z.ZodType>(type: T, body: Json): z.output<T> {
  const result = type.safeParse(withCamelCase(body))
  if (!result.success) throw refusalOf(result.error)
  return result.data
}

function embeddingsOf(requests: readonly Request[], model: string): Json {
  const [dimensions, ...others] = new Set(requests.map((one) => one.outputDimensionality))
  const [task, ...tasks] = new Set(requests.map((one) => one.taskType ?? 'TASK_TYPE_UNSPECIFIED'))
  if (others.length > 0) throw refusal('requests', 'must all have the same outputDimensionality to be converted')
  if (tasks.length > 0) throw refusal('requests', 'must all have the same taskType to be converted')
  const inputType = task === undefined ? undefined : INPUT_TYPES[task]
  return {
    model,
    input: requests.map(({ content }) => content.parts.map(({ text }) => text).join('')),
    ...(dimensions == null ? {} : { dimensions }),
    ...(inputType === undefined ? {} : { input_type: inputType }),
  }
}

/** As Cohere calls them, the one provider beside Google that is told. */
const INPUT_TYPES: Readonly<Record<string, string>> = {
  RETRIEVAL_QUERY: 'search_query',
  RETRIEVAL_DOCUMENT: 'search_document',
  CLASSIFICATION: 'classification',
  CLUSTERING: 'clustering',
}

function valuesOf(one: unknown): Json {
  const values = fieldsOf(one)?.embedding
  if (Array.isArray(values) && values.every((value) => typeof value === 'number')) return { values }
  throw unreadable('The provider answered with something else than embeddings.')
}
