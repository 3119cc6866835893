import { camelCase } from '../../google-names'
import { walkContent, walkSettings } from './gemini-parts'
import { at, type Place, Walk, type Walked } from './walked'

const SETTINGS = new Set(['taskType', 'outputDimensionality', 'autoTruncate', 'model'])

/**
 * The body of a request to embed one content, or a batch of them. Each content is a message of its own.
 *
 * @throws WalkRefused when there is more in it than is looked through
 */
export function walkGeminiEmbeddings(body: unknown): Walked {
  const walk = new Walk()
  const around: Place = { path: [], role: 'user', message: -1 }
  const fields = walk.fieldsIn(body, around)
  const { requests, ...one } = fields
  walkOne(walk, one, { ...around, message: 0 })
  let message = 0
  walk.objectsIn(requests, at(around, 'requests'), (request, { path }) =>
    walkOne(walk, request, { path, role: 'user', message: message++ }),
  )
  return walk.done()
}

function walkOne(walk: Walk, request: Readonly<Record<string, unknown>>, place: Place): void {
  for (const [key, value] of Object.entries(request)) {
    if (key === 'content') walkContent(walk, walk.fieldsIn(value, at(place, key)), at(place, key), 'text')
    else if (SETTINGS.has(camelCase(key))) walkSettings(walk, { [key]: value }, place, SETTINGS)
    else walk.textIn(value, at(place, key), 'label')
  }
}
