import { isNestedDeeper } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'
import type { Json } from './adapter'
import { refusal } from './chat'

/**
 * The arguments of a call, for providers that want them as a value. None at all are an empty object.
 *
 * @throws Refusal when they are no JSON object
 */
export function argumentsOf(text: string, param: string): Json {
  if (text.trim() === '') return {}
  try {
    const value: unknown = parseJson(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && !isNestedDeeper(value)) {
      return value as Json
    }
  } catch {
    // said below, in the same words
  }
  throw refusal(param, 'must be a JSON object')
}
