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
  if (!Array.isArray(input)) walk.textIn(input, { path: ['input'], role: 'user', message: 0 })
  for (const [i, item] of listOf(input).entries()) {
    if (isNumbers(item)) walk.skip('input', 'token numbers, not text')
    else walk.textIn(item, { path: ['input', i], role: 'user', message: i })
  }
  walk.rest(request, REQUEST_FIELDS, { path: [], role: 'user', message: -1 }, 'label', SETTINGS)
  return walk.done()
}

const isNumbers = (item: unknown): boolean =>
  typeof item === 'number' || (Array.isArray(item) && item.every((one) => typeof one === 'number'))

const REQUEST_FIELDS = new Set(['model', 'input'])
const SETTINGS = new Set(['encoding_format', 'dimensions'])
