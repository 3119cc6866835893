import { fieldsOf } from '../meter'
import type { Surface } from './surface'

/** The shape everything else is converted to and from: nothing to do but frames. */
export const CHAT_COMPLETIONS: Surface = {
  shape: 'openai_chat',
  path: '/v1/chat/completions',
  toChat: (body) => body,
  answer: (completion) => completion,
  writer: ({ body, requestId }) => {
    const wantsUsage = fieldsOf(body.stream_options)?.include_usage === true
    return {
      push: (chunk) => {
        const isUsage = Array.isArray(chunk.choices) && chunk.choices.length === 0 && 'usage' in chunk
        return isUsage && !wantsUsage ? '' : `data: ${JSON.stringify(chunk)}\n\n`
      },
      end: () => 'data: [DONE]\n\n',
      fail: (refusal) => `data: ${refusal.toJson(requestId)}\n\n`,
    }
  },
  refuse: (refusal, requestId) => JSON.parse(refusal.toJson(requestId)),
}
