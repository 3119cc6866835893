import { fieldsOf } from '../../meter'
import { type EmbeddingsDialect, unreadable } from '../adapter'
import { refusal } from '../chat'
import { countOf } from '../completion'
import { embeddingList, readEmbeddings } from '../embeddings'

const TEXTS_MAX = 96
/** Cohere wants to know what a text is for; whoever uses OpenAI's shape mostly fills an index. */
const INPUT_TYPE_DEFAULT = 'search_document'

/** Source: docs.cohere.com/reference/embed. `input_type` is taken from the caller when given. */
export const COHERE_EMBEDDINGS: EmbeddingsDialect = {
  converts: ['dimensions', 'input_type'],
  request: (body, { model }) => {
    const { texts, dimensions, inputType } = readEmbeddings(body, ['dimensions', 'input_type'], 'Cohere')
    if (texts.length > TEXTS_MAX) throw refusal('input', `must hold at most ${TEXTS_MAX} texts for Cohere`)
    return {
      path: '/v2/embed',
      body: {
        model,
        texts,
        input_type: inputType ?? INPUT_TYPE_DEFAULT,
        embedding_types: ['float'],
        ...(dimensions === null ? {} : { output_dimension: dimensions }),
      },
    }
  },
  answer: (answer, call, request) => {
    const vectors = fieldsOf(answer.embeddings)?.float
    if (!Array.isArray(vectors)) throw unreadable('The provider answered with something else than embeddings.')
    const billed = fieldsOf(fieldsOf(answer.meta)?.billed_units)
    return embeddingList(vectors, call.model, request, billed === null ? null : countOf(billed.input_tokens))
  },
}
