import { chainOf } from '@/lib/policy/engine/chain'
import type { Finding, Policy } from '@/lib/policy/engine/policy'
import type { Phase, Role, Subject } from '@/lib/policy/engine/subject'
import { PolicyView, SharedText } from '@/lib/policy/engine/view'

/** What one policy says about one text, through the same view as in the gateway. */
export function ask(policy: Policy): (text: string, role?: Role, phase?: Phase) => Finding {
  const chain = chainOf([policy])
  return (text, role = 'user', phase = 'input') =>
    policy.check(new PolicyView(new SharedText(chain, subjectOf(text, role, phase), 0), policy, 0))
}

const subjectOf = (text: string, role: Role, phase: Phase): Subject => ({
  phase,
  apiShape: 'openai_chat',
  model: 'bench',
  parts: [
    {
      path: ['messages', 0, 'content'],
      kind: role === 'tool' ? 'tool_result' : 'text',
      role,
      message: 0,
      text,
      media: null,
    },
  ],
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
