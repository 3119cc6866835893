import { chainOf } from '@/lib/policy/engine/chain'
import type { Finding, Policy } from '@/lib/policy/engine/policy'
import type { Phase, Role, Subject } from '@/lib/policy/engine/subject'
import { PolicyView, SharedText } from '@/lib/policy/engine/view'

/** What one policy says about one text, through the same view as in the gateway. */
export function ask(policy: Policy): (text: string, role?: Role, phase?: Phase) => Finding {
  const check = askAll(policy)
  return (text, role = 'user', phase = 'input') => check([text], role, phase)
}

/** As above, about several messages or, when so said, several parts of one message. */
export function askAll(
  policy: Policy,
): (texts: readonly string[], role?: Role, phase?: Phase, isOneMessage?: boolean) => Finding {
  const chain = chainOf([policy])
  return (texts, role = 'user', phase = 'input', isOneMessage = false) =>
    policy.check(new PolicyView(new SharedText(chain, subjectOf(texts, role, phase, isOneMessage), 0), policy, 0))
}

const subjectOf = (texts: readonly string[], role: Role, phase: Phase, isOneMessage: boolean): Subject => ({
  phase,
  apiShape: 'openai_chat',
  model: 'bench',
  parts: texts.map((text, at) => ({
    path: isOneMessage ? ['messages', 0, 'content', at, 'text'] : ['messages', at, 'content'],
    kind: role === 'tool' ? 'tool_result' : 'text',
    role,
    message: isOneMessage ? 0 : at,
    text,
    media: null,
  })),
  toolCalls: [],
  tools: [],
  caller: {
    identity: 'verified',
    tokenId: null,
    teamId: null,
    userId: null,
    agentId: null,
    ip: '192.0.2.1',
    headers: {},
  },
  targets: [],
  conversation: null,
  requestParts: [],
})
