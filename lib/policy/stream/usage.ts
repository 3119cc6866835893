import { serviceTierIn } from '@/lib/prices/service-tier'
import { readTokenUsage, type TokenUsage } from '@/lib/token-usage'
import { finishReasonOf } from './finish-reason'
import { fieldsOf, type JsonObject, textOf } from './frame-reading'
import { hasEnded } from './read-gemini'

export type AnswerShape = 'openai_chat' | 'openai_responses' | 'anthropic_messages' | 'gemini_content'

/** What an answer says about itself on its way; null until it does. */
export class AnswerFacts {
  usage: TokenUsage | null = null
  /** Whether that is of the answer to its end: counts of its beginning say nothing of what was written since. */
  isCounted = false
  /** The model that the provider says it used. */
  model: string | null = null
  /** As what it says that it answered. */
  serviceTier: string | null = null
  /** The first that came. */
  finishReason: string | null = null
  /** It said all it had to say. An end without that is a truncation, whatever the connection did. */
  complete = false
  /** The provider reported an error inside a stream that had begun well. */
  failed = false
  /** This frame holds usage and nothing else. */
  isUsageOnly = false

  readonly #shape: AnswerShape

  constructor(shape: AnswerShape) {
    this.#shape = shape
  }

  read(json: JsonObject): void {
    this.isUsageOnly = false
    if (fieldsOf(json.error) !== null || json.type === 'error') this.failed = true
    if (this.#shape === 'openai_chat') this.#readChat(json)
    else if (this.#shape === 'anthropic_messages') this.#readMessages(json)
    else if (this.#shape === 'gemini_content') this.#readGemini(json)
    else this.#readResponses(json)
  }

  #readChat(json: JsonObject): void {
    this.#readModel(json.model)
    this.#readTier(json)
    const choices = Array.isArray(json.choices) ? json.choices : []
    let isLast = false
    for (const choice of choices) {
      const reason = finishReasonOf(fieldsOf(choice)?.finish_reason)
      if (reason === null) continue
      isLast = true
      this.finishReason ??= reason
      this.complete = true
    }
    const usage = fieldsOf(json.usage)
    const read = usage?.prompt_tokens === undefined ? null : readTokenUsage(usage)
    if (isLast) this.isCounted = read !== null
    if (read === null) return
    this.usage = read
    this.isCounted = this.complete || choices.length === 0
    this.isUsageOnly = choices.length === 0 && fieldsOf(json.error) === null
  }

  #readResponses(json: JsonObject): void {
    const response = fieldsOf(json.response)
    const type = textOf(json.type) ?? ''
    if (type === 'response.failed') this.failed = true
    if (response === null) return
    this.#readModel(response.model)
    this.#readTier(response)
    const read = readTokenUsage(fieldsOf(response.usage))
    if (type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed') {
      this.complete = true
      this.isCounted = read !== null
      this.finishReason ??= textOf(fieldsOf(response.incomplete_details)?.reason) ?? textOf(response.status)
    }
    this.usage = read ?? this.usage
  }

  /** Anthropic counts cached tokens beside the input, and repeats its counts as they grow. */
  #readMessages(json: JsonObject): void {
    const message = fieldsOf(json.message)
    this.#readModel(message?.model)
    this.#readTier(message ?? json)
    const reason = textOf(fieldsOf(json.delta)?.stop_reason)
    if (reason !== null) this.finishReason ??= reason
    if (json.type === 'message_stop') this.complete = true
    const usage = fieldsOf(json.usage) ?? fieldsOf(message?.usage)
    const read = readTokenUsage(usage, this.usage)
    if (json.type === 'message_delta') this.isCounted = read !== null && typeof usage?.output_tokens === 'number'
    this.usage = read ?? this.usage
  }

  /** Counts grow with each response; those of the last, or of one after it, are of the whole. */
  #readGemini(json: JsonObject): void {
    this.#readModel(json.modelVersion)
    const isLast = hasEnded(json)
    if (isLast) {
      const [first] = Array.isArray(json.candidates) ? json.candidates : []
      this.complete = true
      this.finishReason ??= textOf(fieldsOf(first)?.finishReason) ?? textOf(fieldsOf(json.promptFeedback)?.blockReason)
    }
    const read = readTokenUsage(fieldsOf(json.usageMetadata))
    if (isLast || read !== null) this.isCounted = this.complete && read !== null
    this.usage = read ?? this.usage
  }

  #readTier(said: JsonObject): void {
    this.serviceTier = serviceTierIn(said) ?? this.serviceTier
  }

  #readModel(value: unknown): void {
    const model = textOf(value)
    if (model !== null && model !== '') this.model = model
  }
}
