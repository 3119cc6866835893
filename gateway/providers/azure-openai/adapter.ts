import type { ApiShape, Call } from '../adapter'
import { openAiLike } from '../openai-like'

const API_VERSION_DEFAULT = '2024-10-21'
const PATHS: Readonly<Partial<Record<ApiShape, string>>> = {
  openai_chat: 'chat/completions',
  openai_responses: 'responses',
  anthropic_messages: 'messages',
  openai_embeddings: 'embeddings',
  audio_transcriptions: 'audio/transcriptions',
  audio_speech: 'audio/speech',
}

/** Azure finds the model by the deployment in the path. Source: learn.microsoft.com, Azure OpenAI REST reference. */
export const AZURE_OPENAI = openAiLike({
  name: 'azure-openai',
  title: 'Azure OpenAI',
  baseUrl: null,
  env: 'AZURE_OPENAI_API_KEY',
  auth: { header: 'api-key', prefix: '' },
  native: ['openai_chat', 'openai_embeddings', 'audio_transcriptions', 'audio_speech'],
  path: (shape, { model, options }: Call) => {
    const deployment = encodeURIComponent(options.azureDeployment ?? model)
    const version = encodeURIComponent(options.azureApiVersion ?? API_VERSION_DEFAULT)
    return `/openai/deployments/${deployment}/${PATHS[shape]}?api-version=${version}`
  },
})
