import { CLEAN, type Finding, type Policy, type View } from './policy'
import type { Part, Subject } from './subject'

/** A subject for tests: one user message per text. */
export function subjectOf(texts: readonly string[], facts: Partial<Subject> = {}): Subject {
  return {
    phase: 'input',
    apiShape: 'openai_chat',
    model: 'm',
    parts: texts.map((text, message) => partOf(text, { message, path: ['messages', message, 'content'] })),
    toolCalls: [],
    tools: [],
    caller: {
      identity: 'anonymous',
      tokenId: null,
      teamId: null,
      userId: null,
      agentId: null,
      ip: '127.0.0.1',
      headers: {},
    },
    targets: [],
    conversation: null,
    requestParts: [],
    ...facts,
  }
}

export const partOf = (text: string, facts: Partial<Part> = {}): Part => ({
  path: ['messages', 0, 'content'],
  kind: 'text',
  role: 'user',
  message: 0,
  text,
  media: null,
  ...facts,
})

/** A policy for tests that says what `check` returns, laid over a clean finding. */
export const policyOf = (
  kind: string,
  check: (view: View) => Partial<Finding>,
  facts: Partial<Policy> = {},
): Policy => ({
  kind,
  version: '1',
  phases: ['input', 'tool', 'output'],
  terms: [],
  onError: 'deny',
  streaming: 'buffered',
  explain: [],
  bytesMax: 1_000_000,
  check: (view) => ({ ...CLEAN, ...check(view) }),
  ...facts,
})
