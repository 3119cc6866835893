/**
 * What a provider says that an answer took. `input` includes what was cached and what was written to a cache; `output`
 * includes reasoning. The rest is there only when it was reported and is not zero, because few answers have any of it.
 */
export type TokenUsage = {
  input: number
  output: number
  cached: number
  reasoning: number
  /** Of the input, written to a cache for later. */
  cacheWritten?: number
  /** Of those written, to be kept for an hour. */
  cacheWrittenHour?: number
  /** Of the input. */
  inputAudio?: number
  inputImage?: number
  /** Of the output. */
  outputAudio?: number
  outputImage?: number
  /** Sound that was transcribed, in milliseconds, where that is what is billed. */
  inputAudioMs?: number
  /** Text that was spoken, likewise. */
  inputCharacters?: number
  webSearches?: number
}

type Fields = Record<string, unknown>

/**
 * Reads `usage` in each of the shapes that answers have: OpenAI's chat completions, responses, embeddings and transcripts,
 * Anthropic's messages, which count beside the input what was cached, and Google's, which count thoughts beside what was said.
 *
 * @param before of the same message: Anthropic repeats counts as they grow, and leaves out what did not change
 * @returns null when nothing was reported, or counts that cannot be: an unknown amount is never a silent zero
 */
export function readTokenUsage(usage: Fields | null, before: TokenUsage | null = null): TokenUsage | null {
  if (usage === null) return null
  if (usage.prompt_tokens !== undefined) return chatUsage(usage)
  if (usage.promptTokenCount !== undefined) return geminiUsage(usage)
  if (usage.type === 'duration') return durationUsage(usage)
  return responseUsage(usage, before)
}

function chatUsage(usage: Fields): TokenUsage | null {
  const input = countOf(usage.prompt_tokens)
  const total = countOf(usage.total_tokens)
  // What is not said on its own is in the total, where there is one.
  const beyond = input !== null && total !== null ? Math.max(total - input, 0) : 0
  const said = countOf(usage.completion_tokens ?? beyond)
  if (input === null || said === null) return null
  const inputDetails = fieldsOf(usage.prompt_tokens_details)
  const outputDetails = fieldsOf(usage.completion_tokens_details)
  const reasoning = countOf(outputDetails?.reasoning_tokens) ?? 0
  // xAI counts its reasoning beside what was said, and only its total says so.
  const isBeside = reasoning > 0 && total === input + said + reasoning
  const read: TokenUsage = {
    input,
    output: isBeside ? said + reasoning : said,
    cached: countOf(inputDetails?.cached_tokens) ?? countOf(usage.prompt_cache_hit_tokens) ?? 0,
    reasoning,
  }
  keep(read, 'cacheWritten', inputDetails?.cache_write_tokens)
  readModalities(read, inputDetails, outputDetails)
  return read
}

function responseUsage(usage: Fields, before: TokenUsage | null): TokenUsage | null {
  const beside = countOf(usage.cache_read_input_tokens) ?? before?.cached ?? 0
  const written = countOf(usage.cache_creation_input_tokens) ?? before?.cacheWritten ?? 0
  const fresh = countOf(usage.input_tokens)
  const input = fresh === null ? (before?.input ?? null) : fresh + beside + written
  const output = countOf(usage.output_tokens ?? before?.output ?? 0)
  if (input === null || output === null) return null
  if (fresh === null && usage.input_tokens != null) return null
  const inputDetails = fieldsOf(usage.input_tokens_details) ?? fieldsOf(usage.input_token_details)
  const outputDetails = fieldsOf(usage.output_tokens_details) ?? fieldsOf(usage.output_token_details)
  const reasoning = countOf(outputDetails?.reasoning_tokens) ?? countOf(outputDetails?.thinking_tokens)
  const read: TokenUsage = {
    ...before,
    input,
    output,
    cached: countOf(inputDetails?.cached_tokens) ?? beside,
    reasoning: reasoning ?? before?.reasoning ?? 0,
  }
  keep(read, 'cacheWritten', usage.cache_creation_input_tokens ?? inputDetails?.cache_write_tokens)
  keep(read, 'cacheWrittenHour', fieldsOf(usage.cache_creation)?.ephemeral_1h_input_tokens)
  keep(read, 'webSearches', fieldsOf(usage.server_tool_use)?.web_search_requests)
  readModalities(read, inputDetails, outputDetails)
  return read
}

/** What is nothing is left out (ProtoJSON). */
function geminiUsage(usage: Fields): TokenUsage | null {
  const counts = ['promptTokenCount', 'toolUsePromptTokenCount', 'candidatesTokenCount', 'thoughtsTokenCount']
  const [prompt = null, tools = null, said = null, thoughts = null] = counts.map((name) => countOf(usage[name] ?? 0))
  if (prompt === null || tools === null || said === null || thoughts === null) return null
  const read: TokenUsage = {
    input: prompt + tools,
    output: said + thoughts,
    cached: countOf(usage.cachedContentTokenCount) ?? 0,
    reasoning: thoughts,
  }
  keep(read, 'inputAudio', tokensOf(usage.promptTokensDetails, 'AUDIO'))
  keep(read, 'outputAudio', tokensOf(usage.candidatesTokensDetails, 'AUDIO'))
  keep(read, 'outputImage', tokensOf(usage.candidatesTokensDetails, 'IMAGE'))
  return read
}

/** Of one modality, as `[{modality, tokenCount}]`. */
function tokensOf(details: unknown, modality: string): unknown {
  if (!Array.isArray(details)) return null
  return details.map(fieldsOf).find((one) => one?.modality === modality)?.tokenCount
}

/** A transcript that is billed by the length of its sound. */
function durationUsage({ seconds }: Fields): TokenUsage | null {
  if (typeof seconds !== 'number' || !(seconds >= 0) || seconds > SECONDS_MAX) return null
  return { input: 0, output: 0, cached: 0, reasoning: 0, inputAudioMs: Math.round(seconds * 1_000) }
}

/** A year of sound. */
const SECONDS_MAX = 31_536_000

function readModalities(read: TokenUsage, input: Fields | null, output: Fields | null): void {
  keep(read, 'inputAudio', input?.audio_tokens)
  keep(read, 'inputImage', input?.image_tokens)
  keep(read, 'outputAudio', output?.audio_tokens)
  keep(read, 'outputImage', output?.image_tokens)
}

type Extra = Exclude<keyof TokenUsage, 'input' | 'output' | 'cached' | 'reasoning'>

function keep(read: TokenUsage, name: Extra, value: unknown): void {
  const count = countOf(value)
  if (count !== null && count > 0) read[name] = count
}

/** Both together: what several calls of one request took. */
export function sumOfUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  const sum: TokenUsage = { ...a }
  for (const [name, count] of Object.entries(b) as [keyof TokenUsage, number][]) {
    sum[name] = Math.min((sum[name] ?? 0) + count, Number.MAX_SAFE_INTEGER)
  }
  return sum
}

const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null

/** No model reads or says this much at once; of more, what it cost would be more than can be recorded of a request. */
const COUNT_MAX = 1_000_000_000

const countOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= COUNT_MAX ? value : null
