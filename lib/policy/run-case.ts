import type { Target } from './compile'
import type { TestCase } from './config/suite'
import type { Chain } from './engine/chain'
import { type Decision, decidePhaseAsync, type PolicyResult } from './engine/decide'
import type { Ports } from './engine/policy'
import type { Caller, Part, Phase, Subject, TargetFacts } from './engine/subject'
import { walkChatAnswer, walkChatRequest } from './walk/openai-chat'
import type { Walked } from './walk/walked'

/** What came of one case. `problems` says, in sentences, where that is not what was expected; empty when it passed. */
export type CaseResult = {
  name: string
  verdict: Decision['verdict']
  reasonCode: string
  policy: string | null
  problems: readonly string[]
  flags: readonly string[]
  policyResults: readonly PolicyResult[]
}

/** A configuration as far as a case needs it. */
export type CaseConfiguration = { chain: Chain; targets: readonly Pick<Target, 'id' | 'provider' | 'dataPolicy'>[] }

/**
 * Decides one case as the gateway would: the request, then the tool calls and the text of the answer.
 *
 * Nothing is asked of other services: a policy that needs one fails, and its `on_error` counts.
 *
 * @throws WalkRefused when a case has more in it than the gateway looks through
 */
export async function runCase(
  { chain, targets }: CaseConfiguration,
  { name, input, expected }: TestCase,
  nowMs: number,
): Promise<CaseResult> {
  const { messages, model, tools, upstream_response: answer } = input
  const request = walkChatRequest({ model, messages, tools })
  const facts: TargetFacts[] = targets.map(({ id, provider, dataPolicy }) => ({ id, provider, dataPolicy }))
  const subjectOf = (phase: Phase, walked: Walked, parts: readonly Part[] = walked.parts): Subject => ({
    phase,
    apiShape: 'openai_chat',
    model,
    parts,
    toolCalls: walked.toolCalls,
    tools: request.tools,
    caller: callerOf(input.headers ?? {}),
    targets: facts,
    conversation: EMPTY_CONVERSATION,
    skipped: walked.skipped,
    requestParts: phase === 'input' ? [] : request.parts,
  })
  const subjects = [subjectOf('input', request)]
  if (answer !== undefined) {
    const walked = walkChatAnswer(typeof answer === 'string' ? completionOf(answer) : answer)
    const called = walked.parts.filter(({ kind }) => kind === 'tool_arguments')
    if (walked.toolCalls.length > 0) subjects.push(subjectOf('tool', walked, called))
    subjects.push(subjectOf('output', walked))
  }

  const decisions: Decision[] = []
  let passedOn: string[] = []
  for (const subject of subjects) {
    const decision = await decidePhaseAsync(chain, subject, nowMs, OFFLINE)
    decisions.push(decision)
    const isStopped = decision.verdict === 'block' || decision.verdict === 'escalate'
    passedOn = isStopped ? [] : subject.parts.map(({ text }, index) => decision.texts.get(index) ?? text)
    if (isStopped) break
  }
  const worst = decisions.reduce((one, other) => (RANK[other.verdict] > RANK[one.verdict] ? other : one))
  return {
    name,
    verdict: worst.verdict,
    reasonCode: worst.reasonCode,
    policy: worst.policy,
    problems: problemsOf(worst, passedOn, expected),
    flags: decisions.flatMap(({ flags }) => flags),
    policyResults: decisions.flatMap(({ results }) => results),
  }
}

const RANK = { allow: 0, redact: 1, escalate: 2, block: 3 } as const

function problemsOf(found: Decision, passedOn: readonly string[], expected: TestCase['expected']): string[] {
  const problems: string[] = []
  const compare = (what: string, wanted: string | undefined, got: string | null) => {
    if (wanted !== undefined && wanted !== got) problems.push(`expected ${what} ${wanted}, got ${got ?? 'none'}`)
  }
  compare('verdict', expected.verdict, found.verdict)
  compare('reason_code', expected.reason_code, found.reasonCode)
  compare('policy', expected.policy, found.policy)
  const text = passedOn.join('\n')
  for (const wanted of expected.contains ?? []) {
    if (!text.includes(wanted)) problems.push(`expected what is passed on to contain ${JSON.stringify(wanted)}`)
  }
  for (const unwanted of expected.excludes ?? []) {
    if (text.includes(unwanted)) problems.push(`expected what is passed on not to contain ${JSON.stringify(unwanted)}`)
  }
  return problems
}

const completionOf = (content: string) => ({
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
})

function callerOf(sent: Readonly<Record<string, string>>): Caller {
  const headers: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(sent)) headers[name.toLowerCase()] = value
  return {
    identity: 'verified',
    tokenId: null,
    teamId: headers['x-team-id'] ?? null,
    userId: headers['x-user-id'] ?? null,
    agentId: headers['x-keeptrusts-agent-id'] ?? null,
    ip: '127.0.0.1',
    headers,
  }
}

const EMPTY_CONVERSATION: NonNullable<Subject['conversation']> = {
  toolCalls: new Map(),
  toolTokens: new Map(),
  toolNanos: new Map(),
  recentToolCalls: new Map(),
  actions: 0,
  errors: 0,
  transactionsToday: 0,
}

const OFFLINE: Ports = {
  postJson: () => Promise.reject(new Error('Tests ask no other service.')),
  secret: () => null,
}
