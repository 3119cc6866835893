import { Refusal } from '../errors'
import type { Json } from '../providers/adapter'
import { adapterOf } from '../providers/all'

type Visible = { id: string; provider: string }

/** A model as Google's list has it, with what its provider can be asked for here. */
export function geminiModel({ id, provider }: Visible): Json {
  const { embeddings, native } = adapterOf(provider)
  const embeds = embeddings !== null || native.includes('openai_embeddings')
  return {
    name: `models/${id}`,
    displayName: id,
    supportedGenerationMethods: [
      'generateContent',
      'streamGenerateContent',
      ...(embeds ? ['embedContent', 'batchEmbedContents'] : []),
    ],
  }
}

/** All at once, so that there is no second page to be asked for. @throws Refusal for who asks for one */
export function geminiModels(models: readonly Visible[], query: URLSearchParams): Json[] {
  if (query.get('pageToken')) {
    throw new Refusal('invalid_request', 'pageToken is none of this gateway, which lists all models at once.', {
      param: 'pageToken',
    })
  }
  return models.map(geminiModel)
}
