import { fieldsOf } from '../../meter'
import { type EmbeddingsDialect, type Json, unreadable } from '../adapter'
import { refusal } from '../chat'
import { embeddingList, readEmbeddings } from '../embeddings'

const CONVERTS = ['dimensions', 'input_type']
const COHERE_TEXTS_MAX = 96
const INPUT_TYPE_DEFAULT = 'search_document'

/** Amazon Titan and Cohere, each by its own body. Source: docs.aws.amazon.com/bedrock, `InvokeModel`. */
export const BEDROCK_EMBEDDINGS: EmbeddingsDialect = {
  converts: CONVERTS,
  request: (body, { model }) => {
    const asked = readEmbeddings(body, CONVERTS, 'AWS Bedrock')
    return { path: `/model/${encodeURIComponent(model)}/invoke`, body: bodyFor(model, asked) }
  },
  answer: (answer, call, request) => {
    if (Array.isArray(answer.embedding)) {
      const tokens = typeof answer.inputTextTokenCount === 'number' ? answer.inputTextTokenCount : null
      return embeddingList([answer.embedding], call.model, request, tokens)
    }
    const vectors = fieldsOf(answer.embeddings)?.float ?? answer.embeddings
    if (!Array.isArray(vectors)) throw unreadable('The provider answered with something else than embeddings.')
    return embeddingList(vectors, call.model, request, null)
  },
}

function bodyFor(model: string, { texts, dimensions, inputType }: ReturnType<typeof readEmbeddings>): Json {
  if (/(?:^|[./])amazon\.titan-embed/.test(model)) {
    const [text] = texts
    if (text === undefined || texts.length > 1) throw refusal('input', 'must be one text for Titan on AWS Bedrock')
    if (inputType !== null) throw refusal('input_type', 'cannot be converted for Titan on AWS Bedrock')
    return { inputText: text, ...(dimensions === null ? {} : { dimensions }) }
  }
  if (!/(?:^|[./])cohere\.embed/.test(model))
    throw refusal('model', 'is no model that AWS Bedrock makes embeddings with')
  if (texts.length > COHERE_TEXTS_MAX) throw refusal('input', `must hold at most ${COHERE_TEXTS_MAX} texts`)
  return {
    texts,
    input_type: inputType ?? INPUT_TYPE_DEFAULT,
    embedding_types: ['float'],
    ...(dimensions === null ? {} : { output_dimension: dimensions }),
  }
}
