import { camelCase } from '@/lib/google-names'
import { Refusal } from '../errors'
import { fieldsOf } from '../meter'
import type { Json } from '../providers/adapter'

/**
 * What a request of Google's API has to have, so that it can be looked through.
 *
 * @throws Refusal `invalid_request`, naming the field at fault
 */
export function checkContent(body: Json, model: string): void {
  checkNames(body)
  checkModel(body, model)
  checkObjects(body.contents, 'contents')
}

/** @throws Refusal `invalid_request`, naming the field at fault */
export function checkEmbedded(body: Json, model: string): void {
  checkNames(body)
  checkModel(body, model)
  if (body.content === undefined) {
    checkObjects(body.requests, 'requests')
    for (const one of body.requests as Json[]) checkModel(one, model)
  } else if (fieldsOf(body.content) === null || body.requests !== undefined) {
    throw invalid('content', 'must be an object, and alone')
  }
}

/** A field of `generationConfig`, however its name is written. */
export const generationField = (body: Json, name: string): unknown => fieldNamed(configOf(body), name)

/** Settings of how an answer is made. */
const configOf = (body: Json): Json | null => fieldsOf(fieldNamed(body, 'generationConfig'))

/** A field by the name that Google writes. */
export function fieldNamed(fields: Json | null, name: string): unknown {
  for (const key in fields) if (key === name || camelCase(key) === name) return fields[key]
  return undefined
}

/** Of a field given in both of its spellings, somebody may read the other one. */
function checkNames(body: Json): void {
  for (const fields of [body, configOf(body)]) {
    const seen = new Set<string>()
    for (const key in fields) {
      const name = camelCase(key)
      if (seen.has(name)) throw invalid(name, 'must be given once')
      seen.add(name)
    }
  }
}

/** The address says it; a body that says another one might be answered by that. */
function checkModel({ model: said }: Json, model: string): void {
  if (said === undefined || said === null || said === model || said === `models/${model}`) return
  throw invalid('model', 'must be that of the address')
}

function checkObjects(value: unknown, param: string): void {
  if (!Array.isArray(value) || value.length === 0) throw invalid(param, 'must be a list, and not empty')
  if (!value.every((item) => fieldsOf(item) !== null)) throw invalid(param, 'must hold objects only')
}

const invalid = (param: string, rule: string) => new Refusal('invalid_request', `${param} ${rule}.`, { param })
