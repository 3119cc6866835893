import type { Addressed } from '../providers/adapter'

const ADDRESS = /^\/(?<version>v1|v1beta)\/models\/(?<model>.+):(?<action>[a-zA-Z]+)$/
const ONE_MODEL = /^\/(?:v1|v1beta)\/models\/(?<model>.+)$/
/** Of OpenAI's API, too: who calls there is told apart by what its client sends. */
const SHARED = '/v1/models'

export const GEMINI_ACTIONS: readonly string[] = [
  'generateContent',
  'streamGenerateContent',
  'embedContent',
  'batchEmbedContents',
]

/**
 * Reads `/v1beta/models/{model}:{action}`, or the same under `/v1`. Names of models may hold slashes and colons of their own,
 * so that the last colon counts.
 *
 * @returns null for any other path, and for what is not done here
 */
export function geminiAddress(path: string): Addressed | null {
  const { version, model, action } = ADDRESS.exec(path)?.groups ?? {}
  if (version === undefined || model === undefined || action === undefined) return null
  if (!GEMINI_ACTIONS.includes(action)) return null
  return { version, model: decoded(model), action, stream: action === 'streamGenerateContent' }
}

/** The model of a path that names one; null for any other. */
export function modelIn(path: string): string | null {
  const { model } = ONE_MODEL.exec(path)?.groups ?? {}
  return model === undefined ? null : decoded(model)
}

/** Whether a client of Google's API is calling: where its paths are another one's, it is known by where its key is. */
export function isGeminiCall(url: string, headers: Readonly<Record<string, unknown>>): boolean {
  if (url.startsWith('/v1beta/')) return true
  return url.startsWith(SHARED) && (headers['x-goog-api-key'] !== undefined || hasKeyInAddress(url))
}

/** Google's API takes keys there; addresses end in logs of proxies and of browsers. */
export const hasKeyInAddress = (url: string): boolean =>
  (url.startsWith('/v1beta/') || url.startsWith(SHARED)) && queryOf(url).has('key')

/** Broken escapes name no model. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Parameters of an address; without one, none. */
export function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at === -1 ? '' : url.slice(at + 1))
}
