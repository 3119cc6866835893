import { fieldsOf, listOf, Walk, type Walked } from './walked'

/**
 * The body of an embeddings request. Each text is a message of its own. Token numbers are no text: they are left out, and
 * the record says so.
 *
 * @throws WalkRefused when there is more in it than is looked through
 */
export function walkEmbeddingsRequest(body: unknown): Walked {
  const walk = new Walk()
  const request = fieldsOf(body)
  const { input } = request
  walk.text(input, { path: ['input'], role: 'user', message: 0 })
  for (const [i, item] of listOf(input).entries()) {
    if (typeof item === 'string') walk.text(item, { path: ['input', i], role: 'user', message: i })
    else walk.skip('input', 'token numbers, not text')
  }
  walk.rest(request, REQUEST_FIELDS, { path: [], role: 'user', message: -1 }, 'label')
  return walk.done()
}

const REQUEST_FIELDS = new Set(['model', 'input', 'encoding_format', 'dimensions'])
