import { fieldsOf } from '../../meter'
import { type Call, type EmbeddingsDialect, type Json, unreadable } from '../adapter'
import { listOf } from '../completion'
import { embeddingList, readEmbeddings } from '../embeddings'
import { modelName } from './model-name'

/** Source: ai.google.dev/api/embeddings, `models.batchEmbedContents`. It reports no usage. */
export const GEMINI_EMBEDDINGS: EmbeddingsDialect = {
  converts: ['dimensions'],
  request: (body: Json, { model }: Call) => {
    const { texts, dimensions } = readEmbeddings(body, ['dimensions'], 'Google Gemini')
    const name = `models/${model.replace(/^models\//, '')}`
    return {
      path: `/v1beta/models/${modelName(model)}:batchEmbedContents`,
      body: {
        requests: texts.map((text) => ({
          model: name,
          content: { parts: [{ text }] },
          ...(dimensions === null ? {} : { outputDimensionality: dimensions }),
        })),
      },
    }
  },
  answer: (answer, call, request) => {
    if (!Array.isArray(answer.embeddings))
      throw unreadable('The provider answered with something else than embeddings.')
    const vectors = listOf(answer.embeddings).map((one) => fieldsOf(one)?.values)
    return embeddingList(vectors, call.model, request, null)
  },
}
