import { chainOf } from '@/lib/policy/engine/chain'
import type { Finding, PolicyKind } from '@/lib/policy/engine/policy'
import type { Caller, Part, Phase, Role, Subject } from '@/lib/policy/engine/subject'
import { PolicyView, SharedText } from '@/lib/policy/engine/view'

type Circumstances = { role?: Role; phase?: Phase; caller?: Partial<Caller> }

/** For tests: a kind with these settings, asked about one text through the engine's own view. */
export function askKind<Settings>(kind: PolicyKind<Settings>, settings: unknown = {}) {
  const policy = kind.compile(kind.settings.parse(settings), { hasSecret: () => false })
  const chain = chainOf([policy])
  const about = (subject: Subject) => policy.check(new PolicyView(new SharedText(chain, subject, 0), policy, 0))
  const partOf = (text: string, role: Role): Part => ({
    path: ['messages', 0, 'content'],
    kind: role === 'tool' ? 'tool_result' : 'text',
    role,
    message: 0,
    text,
    media: null,
  })
  const ask = (text: string, { role = 'user', phase = 'input', caller = {} }: Circumstances = {}): Finding =>
    about(subjectOf([partOf(text, role)], phase, caller))
  /** Of a user: parts of one message, or a message each. */
  const askAll = (texts: readonly string[], isOneMessage = true): Finding =>
    about(
      subjectOf(
        texts.map((text, at) => ({ ...partOf(text, 'user'), message: isOneMessage ? 0 : at })),
        'input',
        {},
      ),
    )
  return { policy, ask, askAll, redact: (text: string, more?: Circumstances) => redacted(text, ask(text, more)) }
}

/** Redactions applied from the end, so that offsets stay right. */
function redacted(text: string, { redactions }: Finding): string {
  return [...redactions]
    .sort((a, b) => b.start - a.start)
    .reduce((rest, { start, end, replacement }) => rest.slice(0, start) + replacement + rest.slice(end), text)
}

const subjectOf = (parts: readonly Part[], phase: Phase, caller: Partial<Caller>): Subject => ({
  phase,
  apiShape: 'openai_chat',
  model: 'test',
  parts,
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
    ...caller,
  },
  targets: [],
  conversation: null,
  requestParts: [],
})
