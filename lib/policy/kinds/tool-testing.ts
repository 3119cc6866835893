import type { Policy, PolicyKind, View } from '../engine/policy'
import type { ConversationState, Subject, ToolCall } from '../engine/subject'

/** A policy of settings as a configuration writes them. @throws ZodError for settings that are refused */
export const policyOf = <S>(kind: PolicyKind<S>, settings: object): Policy =>
  kind.compile(kind.settings.parse(settings), { hasSecret: () => true })

export const callOf = (name: string, args: unknown = {}): ToolCall => ({
  id: 'call_1',
  name,
  arguments: typeof args === 'string' ? args : JSON.stringify(args),
  parsed: typeof args === 'string' ? undefined : args,
  path: [],
})

export const stateOf = (change: Partial<ConversationState> = {}): ConversationState => ({
  toolCalls: new Map(),
  toolTokens: new Map(),
  toolNanos: new Map(),
  recentToolCalls: new Map(),
  actions: 0,
  errors: 0,
  transactionsToday: 0,
  ...change,
})

export const NOW_MS = Date.UTC(2026, 3, 23, 10)

type Given = { state?: ConversationState | null; headers?: Record<string, string>; phase?: Subject['phase'] }

/** What a policy of the tool phase looks through. */
export function toolView(calls: readonly ToolCall[], { state, headers, phase }: Given = {}): View {
  const subject: Subject = {
    phase: phase ?? 'tool',
    apiShape: 'mcp',
    model: '',
    parts: [],
    toolCalls: calls,
    tools: [],
    caller: {
      identity: 'verified',
      tokenId: 'tok_1',
      teamId: null,
      userId: null,
      agentId: null,
      ip: '127.0.0.1',
      headers: headers ?? {},
    },
    targets: [],
    conversation: state === undefined ? stateOf() : state,
    requestParts: [],
  }
  const noText = () => {
    throw new Error('a tool policy reads calls, not parts')
  }
  return {
    subject,
    nowMs: NOW_MS,
    readable: () => [],
    hits: () => [],
    normal: noText,
    decoded: () => [],
    facts: noText,
  }
}
