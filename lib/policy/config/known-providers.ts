/** What is known of a provider before its target says anything. */
export type KnownProvider = {
  /** null: the target must say (or imply, as a `region` does). */
  baseUrl: string | null
  /** Variable in which the provider's own SDKs look for the secret; null when there is none to look for. */
  env: string | null
  /** In lower case. */
  apiKeyHeader: string
  apiKeyPrefix: string
}

const bearer = (baseUrl: string | null, env: string | null): KnownProvider => ({
  baseUrl,
  env,
  apiKeyHeader: 'authorization',
  apiKeyPrefix: 'Bearer',
})
const header = (baseUrl: string | null, env: string | null, apiKeyHeader: string): KnownProvider => ({
  baseUrl,
  env,
  apiKeyHeader,
  apiKeyPrefix: '',
})

/** Providers whose address this release knows. Every other one is OpenAI-compatible and names its `base_url`. */
export const KNOWN_PROVIDERS: ReadonlyMap<string, KnownProvider> = new Map([
  ['openai', bearer('https://api.openai.com/v1', 'OPENAI_API_KEY')],
  ['azure-openai', header(null, 'AZURE_OPENAI_API_KEY', 'api-key')],
  ['anthropic', header('https://api.anthropic.com', 'ANTHROPIC_API_KEY', 'x-api-key')],
  ['google', header('https://generativelanguage.googleapis.com', 'GEMINI_API_KEY', 'x-goog-api-key')],
  ['bedrock', bearer(null, null)],
  ['mistral', bearer('https://api.mistral.ai/v1', 'MISTRAL_API_KEY')],
  ['cohere', bearer('https://api.cohere.com', 'CO_API_KEY')],
  ['groq', bearer('https://api.groq.com/openai/v1', 'GROQ_API_KEY')],
  ['together', bearer('https://api.together.xyz/v1', 'TOGETHER_API_KEY')],
  ['fireworks', bearer('https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY')],
  ['deepseek', bearer('https://api.deepseek.com/v1', 'DEEPSEEK_API_KEY')],
  ['xai', bearer('https://api.x.ai/v1', 'XAI_API_KEY')],
  ['openrouter', bearer('https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY')],
  ['perplexity', bearer('https://api.perplexity.ai', 'PERPLEXITY_API_KEY')],
  ['ollama', bearer('http://localhost:11434/v1', null)],
  ['vllm', bearer('http://localhost:8000/v1', null)],
  ['mcp', bearer(null, null)],
  ['sandbox', bearer(null, null)],
])

/** Providers that run beside the gateway, so that their usual address is a private one. */
export const LOCAL_PROVIDERS: ReadonlySet<string> = new Set(['ollama', 'vllm'])

/** Where Bedrock answers. */
export const bedrockUrl = (region: string) => `https://bedrock-runtime.${region}.amazonaws.com`
