import type { DecisionEvent } from '@/lib/contract/events'

/** How a caller speaks, in words. */
export const SHAPE_WORDS: Record<DecisionEvent['api_shape'], string> = {
  openai_chat: 'OpenAI chat completions',
  openai_responses: 'OpenAI responses',
  openai_embeddings: 'OpenAI embeddings',
  openai_models: 'OpenAI list of models',
  anthropic_messages: 'Anthropic messages',
  gemini_content: 'Gemini content',
  gemini_embeddings: 'Gemini embeddings',
  audio_transcriptions: 'Audio transcription',
  audio_speech: 'Speech',
  mcp: 'MCP',
}

export const isMcp = ({ api_shape }: Pick<DecisionEvent, 'api_shape'>) => api_shape === 'mcp'

/** The server and the method of an MCP call, from its route `/mcp/<server> <method>`. */
export function mcpCall({ route, target_id }: Pick<DecisionEvent, 'route' | 'target_id'>) {
  const [, server, method] = /^\/mcp\/(\S+)(?: (.*))?$/.exec(route) ?? []
  return { server: server ?? target_id ?? 'an unknown server', method: method ?? 'an unknown method' }
}

/** What was asked for: the model, or the tool or method of an MCP call. null when nothing was named. */
export const askedFor = (event: DecisionEvent): string | null =>
  isMcp(event) ? (event.model_requested ?? mcpCall(event).method) : (event.model ?? event.model_requested)
