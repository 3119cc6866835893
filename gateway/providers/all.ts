import type { ProviderAdapter } from './adapter'
import { ANTHROPIC } from './anthropic/adapter'
import { AZURE_OPENAI } from './azure-openai/adapter'
import { BEDROCK } from './bedrock/adapter'
import { COHERE } from './cohere/adapter'
import { DEEPSEEK } from './deepseek/adapter'
import { FIREWORKS } from './fireworks/adapter'
import { GEMINI } from './gemini/adapter'
import { GROQ } from './groq/adapter'
import { MISTRAL } from './mistral/adapter'
import { OLLAMA } from './ollama/adapter'
import { OPENAI } from './openai/adapter'
import { OPENAI_COMPATIBLE } from './openai-compatible/adapter'
import { OPENROUTER } from './openrouter/adapter'
import { PERPLEXITY } from './perplexity/adapter'
import { SANDBOX } from './sandbox/adapter'
import { TOGETHER } from './together/adapter'
import { VLLM } from './vllm/adapter'
import { XAI } from './xai/adapter'

export const PROVIDERS: readonly ProviderAdapter[] = [
  OPENAI,
  ANTHROPIC,
  AZURE_OPENAI,
  GEMINI,
  BEDROCK,
  COHERE,
  MISTRAL,
  GROQ,
  TOGETHER,
  FIREWORKS,
  DEEPSEEK,
  XAI,
  OPENROUTER,
  PERPLEXITY,
  OLLAMA,
  VLLM,
  OPENAI_COMPATIBLE,
]

const BY_NAME: ReadonlyMap<string, ProviderAdapter> = new Map(
  [...PROVIDERS, SANDBOX].map((adapter) => [adapter.name, adapter]),
)

/** A name that nobody knows is some API in OpenAI's shape: such a target must give its `base_url`. */
export const adapterOf = (provider: string): ProviderAdapter => BY_NAME.get(provider) ?? OPENAI_COMPATIBLE

/** The path of a request: that of the base URL and then the provider's, without saying `/v1` twice. */
export function joinPath(baseUrl: URL, path: string): string {
  const base = baseUrl.pathname.replace(/\/+$/, '')
  const version = /\/v\d+(?:beta)?$/.exec(base)?.[0]
  const rest = version !== undefined && path.startsWith(`${version}/`) ? path.slice(version.length) : path
  const [pathname = '', query] = rest.split('?', 2)
  const search = [baseUrl.search.slice(1), query].filter((part) => part !== undefined && part !== '').join('&')
  return `${base}${pathname}${search === '' ? '' : `?${search}`}`
}
