import { camelCase } from '../../google-names'
import { jsonSchemaOf } from '../../google-schema'
import { walkContent, walkSettings } from './gemini-parts'
import { walkToolSettings } from './tool-settings'
import { at, type Place, Walk, type Walked } from './walked'

type Fields = Readonly<Record<string, unknown>>

const AROUND: Place = { path: [], role: 'system', message: -1 }
const NOTHING_KNOWN: ReadonlySet<string> = new Set()
const SAFETY = new Set(['category', 'threshold', 'method'])
const GENERATION_SETTINGS = new Set(
  (
    'temperature topP topK maxOutputTokens candidateCount seed presencePenalty frequencyPenalty responseLogprobs logprobs ' +
    'responseMimeType responseModalities enableEnhancedCivicAnswers mediaResolution audioTimestamp routingConfig'
  ).split(' '),
)
const THINKING = new Set(['includeThoughts', 'thinkingBudget', 'thinkingLevel'])
const CALLING = new Set(['mode', 'streamFunctionCallArguments'])

/**
 * The body of a request to generate content.
 *
 * @throws WalkRefused when there is more in it than is looked through
 */
export function walkGeminiRequest(body: unknown): Walked {
  const walk = new Walk()
  for (const [key, value] of Object.entries(walk.fieldsIn(body, AROUND))) {
    const place = at(AROUND, key)
    switch (camelCase(key)) {
      case 'model':
        if (typeof value !== 'string') walk.textIn(value, place)
        break
      case 'systemInstruction':
        walkContent(walk, walk.fieldsIn(value, place), place, 'text')
        break
      case 'contents':
        walkContents(walk, value, place)
        break
      case 'tools':
        walk.objectsIn(value, place, (tool, here) => walkTool(walk, tool, here))
        break
      case 'toolConfig':
        walkToolConfig(walk, value, place)
        break
      case 'safetySettings':
        walk.objectsIn(value, place, (setting, here) => walkSettings(walk, setting, here, SAFETY), 'text')
        break
      case 'generationConfig':
        walkGeneration(walk, value, place)
        break
      case 'cachedContent':
        walk.skip('cachedContent', 'kept by the provider')
        walk.textIn(value, place, 'label')
        break
      default:
        // Nobody vouches for what comes this way.
        walk.rest({ [key]: value }, NOTHING_KNOWN, { ...AROUND, role: 'tool' })
    }
  }
  return walk.done()
}

function walkContents(walk: Walk, contents: unknown, place: Place): void {
  let message = 0
  walk.objectsIn(contents, { ...place, role: 'user', message }, (content, { path }) => {
    const { role } = content
    const here: Place = { path, role: role === 'model' ? 'assistant' : 'user', message: message++ }
    if (role === 'function') walkContent(walk, content, { ...here, role: 'tool' }, 'tool_result')
    else walkContent(walk, content, role === 'system' ? { ...here, role } : here, 'text')
  })
}

function walkTool(walk: Walk, tool: Fields, place: Place): void {
  for (const [key, value] of Object.entries(tool)) {
    if (camelCase(key) === 'functionDeclarations') {
      walk.objectsIn(value, at(place, key), (declared, here) => walkDeclared(walk, declared, here))
    } else walkToolSettings(walk, { [key]: value }, NOTHING_KNOWN, place)
  }
}

function walkDeclared(walk: Walk, declared: Fields, place: Place): void {
  const schemas = Object.keys(declared).filter((key) => SCHEMAS.has(camelCase(key)))
  const own = schemas.find((key) => PARAMETERS.has(camelCase(key)))
  const schema = own === undefined ? undefined : declared[own]
  walk.tool(declared.name, declared.description, own === 'parameters' ? jsonSchemaOf(schema) : schema, place)
  for (const key of schemas) walk.schemaTexts(declared[key], at(place, key))
  walk.rest(declared, new Set(['name', 'description', ...schemas]), place, 'label')
}

const PARAMETERS = new Set(['parameters', 'parametersJsonSchema'])
const SCHEMAS = new Set([...PARAMETERS, 'response', 'responseJsonSchema'])

function walkToolConfig(walk: Walk, value: unknown, place: Place): void {
  for (const [key, item] of Object.entries(walk.fieldsIn(value, place))) {
    if (camelCase(key) === 'functionCallingConfig') walkSettings(walk, item, at(place, key), CALLING)
    else walk.rest({ [key]: item }, NOTHING_KNOWN, place, 'label')
  }
}

function walkGeneration(walk: Walk, value: unknown, place: Place): void {
  for (const [key, item] of Object.entries(walk.fieldsIn(value, place))) {
    const here = at(place, key)
    const name = camelCase(key)
    if (FORMATS.has(name)) walk.schemaTexts(item, here)
    else if (name === 'thinkingConfig') walkSettings(walk, item, here, THINKING)
    else if (GENERATION_SETTINGS.has(name)) walkSettings(walk, { [key]: item }, place, GENERATION_SETTINGS)
    else walk.textIn(item, here)
  }
}

const FORMATS = new Set(['responseSchema', 'responseJsonSchema', '_responseJsonSchema'])

export const ANSWER_FIELDS: ReadonlySet<string> = new Set(
  'candidates usageMetadata modelVersion responseId createTime modelStatus'.split(' '),
)
export const CANDIDATE_FIELDS: ReadonlySet<string> = new Set(
  'content finishReason index tokenCount avgLogprobs logprobsResult safetyRatings'.split(' '),
)

/** The body of an answer: every candidate, with what the model thought, quotes and wants to call. */
export function walkGeminiAnswer(body: unknown): Walked {
  const walk = new Walk()
  const answer = walk.fieldsIn(body, { ...AROUND, role: 'assistant' })
  let message = 0
  walk.objectsIn(answer.candidates, { path: ['candidates'], role: 'assistant', message }, (candidate, { path }) => {
    const place: Place = { path, role: 'assistant', message: message++ }
    const here = at(place, 'content')
    walkContent(walk, walk.fieldsIn(candidate.content, here), here, 'text')
    walk.rest(candidate, CANDIDATE_FIELDS, place)
  })
  walk.rest(answer, ANSWER_FIELDS, { path: [], role: 'assistant', message: -1 }, 'label')
  return walk.done()
}
