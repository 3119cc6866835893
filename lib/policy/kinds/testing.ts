import { chainOf } from '../engine/chain'
import { type Decision, decidePhase, decidePhaseAsync } from '../engine/decide'
import type { Policy, PolicyKind, Ports } from '../engine/policy'
import type { Subject } from '../engine/subject'
import { partOf, subjectOf } from '../engine/testing'

/** A policy of settings as a configuration writes them. @throws ZodError for settings that are refused */
export const policyFor = <Settings>(
  kind: PolicyKind<Settings>,
  settings: object = {},
  chain?: readonly string[],
): Policy => kind.compile(kind.settings.parse(settings), { hasSecret: () => true, ...(chain ? { chain } : {}) })

export const NOW_MS = Date.UTC(2026, 3, 23, 10)

/** Decides one request whose user messages are these texts. */
export function decideRequest<Settings>(
  kind: PolicyKind<Settings>,
  settings: object,
  texts: readonly string[],
  facts: Partial<Subject> = {},
): Decision {
  return decidePhase(chainOf([policyFor(kind, settings)]), subjectOf(texts, facts), NOW_MS)
}

/** The answer that a caller gets, or its verdict when there is none. */
export function answerOf(decision: Decision, text: string): string {
  return decision.verdict === 'block' || decision.verdict === 'escalate'
    ? decision.verdict
    : (decision.texts.get(0) ?? text)
}

/** An answer as the output phase sees it: one choice per text. */
export const answerSubject = (texts: readonly string[], facts: Partial<Subject> = {}): Subject =>
  subjectOf([], {
    phase: 'output',
    parts: texts.map((text, message) =>
      partOf(text, { role: 'assistant', message, path: ['choices', message, 'message', 'content'] }),
    ),
    ...facts,
  })

/** Decides one answer of a model. */
export const decideAnswer = <Settings>(
  kind: PolicyKind<Settings>,
  settings: object,
  text: string,
  facts: Partial<Subject> = {},
): Decision => decidePhase(chainOf([policyFor(kind, settings)]), answerSubject([text], facts), NOW_MS)

type Asked = { url: string; body: unknown; headers: Readonly<Record<string, string>>; timeoutMs: number }
export type FakeService = Ports & { asked: readonly Asked[] }

/** Somebody else, at the other end of HTTP: answers each call in turn with what is given, the last one from then on. */
export function fakeService(...answers: readonly (unknown | Error)[]): FakeService {
  const asked: Asked[] = []
  return {
    asked,
    async postJson(url, body, { headers, timeoutMs }) {
      asked.push({ url, body, headers, timeoutMs })
      const answer = answers[Math.min(asked.length, answers.length) - 1]
      if (answer instanceof Error) throw answer
      if (answer instanceof HttpFailure) return { status: answer.status, body: answer.body }
      return { status: 200, body: answer }
    },
    secret: (ref) => ('env' in ref && ref.env === 'UNSET' ? null : 'test-secret'),
  }
}

/** An answer with a status that is no success. */
export class HttpFailure {
  constructor(
    readonly status: number,
    readonly body: unknown = {},
  ) {}
}

/** As `decideRequest` or `decideAnswer`, with somebody else to ask. */
export async function decideAsking<Settings>(
  kind: PolicyKind<Settings>,
  settings: object,
  subject: Subject,
  ports: Ports,
): Promise<Decision> {
  return decidePhaseAsync(chainOf([policyFor(kind, settings)]), subject, NOW_MS, ports)
}

/** A judge's answer, in the shape of a chat completion. */
export const completion = (content: unknown) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      finish_reason: 'stop',
      message: { role: 'assistant', content: typeof content === 'string' ? content : JSON.stringify(content) },
    },
  ],
})

/** Why settings are refused, as `path: message`; empty when they are not. */
export function problemsOf<Settings>(kind: PolicyKind<Settings>, settings: unknown): string[] {
  const parsed = kind.settings.safeParse(settings)
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}
