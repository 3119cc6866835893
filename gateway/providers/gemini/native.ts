import { fieldsOf } from '../../meter'
import type { ApiShape, Call, Json } from '../adapter'
import { modelName } from './model-name'

/**
 * A stream always comes as events, and everything by `v1beta`, which has all that `v1` has: what callers see of it is the
 * surface's affair.
 */
export function nativePath(_: ApiShape, { model, stream, addressed }: Call): string {
  const action = stream ? 'streamGenerateContent?alt=sse' : (addressed?.action ?? 'generateContent')
  return `/v1beta/models/${modelName(model)}:${action}`
}

/** A body may say once more what the address does: there it is the caller's name of the model, and not the provider's. */
export function withoutModels(shape: ApiShape, body: Json, { model }: Call): Json | null {
  const own = `models/${model.replace(/^models\//, '')}`
  const renamed = (one: Json) => (one.model == null || one.model === own ? one : { ...one, model: own })
  const batch = shape === 'gemini_embeddings' && Array.isArray(body.requests) ? body.requests : null
  const requests = batch?.map((one) => renamed(fieldsOf(one) ?? {})) ?? null
  const isSame = renamed(body) === body && (requests === null || requests.every((one, at) => one === batch?.[at]))
  return isSame ? null : { ...renamed(body), ...(requests === null ? {} : { requests }) }
}
