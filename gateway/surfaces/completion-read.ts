import { fieldsOf } from '../meter'
import { type Json, unreadable } from '../providers/adapter'
import { countOf, listOf, stringOf, type Usage } from '../providers/completion'

/** What a chat completion says, for surfaces that say it otherwise. Only the first choice: other shapes have one. */
export type ReadCompletion = {
  model: string
  text: string
  refusal: string | null
  reasoning: string
  details: readonly Json[]
  toolCalls: readonly { id: string; name: string; arguments: string }[]
  finish: string
  usage: Usage
}

/** @throws ProviderFault when it holds no answer */
export function readAnswer(completion: Json): ReadCompletion {
  const choice = fieldsOf(listOf(completion.choices)[0])
  const message = fieldsOf(choice?.message)
  if (choice === null || message === null) throw unreadable('The provider gave no answer.')
  const toolCalls = listOf(message.tool_calls).map((call) => {
    const fields = fieldsOf(call)
    const made = fieldsOf(fields?.function)
    return { id: stringOf(fields?.id), name: stringOf(made?.name), arguments: stringOf(made?.arguments) }
  })
  return {
    model: stringOf(completion.model),
    text: stringOf(message.content),
    refusal: typeof message.refusal === 'string' ? message.refusal : null,
    reasoning: stringOf(message.reasoning_content),
    details: listOf(message.reasoning_details)
      .map(fieldsOf)
      .filter((one) => one !== null),
    toolCalls,
    finish: toolCalls.length > 0 && choice.finish_reason === 'stop' ? 'tool_calls' : stringOf(choice.finish_reason),
    usage: readUsageOf(fieldsOf(completion.usage)),
  }
}

export function readUsageOf(usage: Json | null): Usage {
  const cached = fieldsOf(usage?.prompt_tokens_details)
  return {
    input: countOf(usage?.prompt_tokens),
    output: countOf(usage?.completion_tokens),
    cached: countOf(cached?.cached_tokens),
    cacheWritten: countOf(cached?.cache_write_tokens),
    reasoning: countOf(fieldsOf(usage?.completion_tokens_details)?.reasoning_tokens),
  }
}

/** The first choice of a chunk, and its usage when it has one. */
export function readChunk(chunk: Json): { delta: Json; finish: string | null; usage: Usage | null } {
  const choice = fieldsOf(listOf(chunk.choices)[0])
  const usage = fieldsOf(chunk.usage)
  return {
    delta: fieldsOf(choice?.delta) ?? {},
    finish: typeof choice?.finish_reason === 'string' ? choice.finish_reason : null,
    usage: usage === null ? null : readUsageOf(usage),
  }
}

export function readToolDeltas(delta: Json): { index: number; id: string; name: string; arguments: string }[] {
  return listOf(delta.tool_calls).map((call, at) => {
    const fields = fieldsOf(call)
    const made = fieldsOf(fields?.function)
    const index = typeof fields?.index === 'number' ? fields.index : at
    return { index, id: stringOf(fields?.id), name: stringOf(made?.name), arguments: stringOf(made?.arguments) }
  })
}
