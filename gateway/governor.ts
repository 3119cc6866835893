import type { Verdict } from '@/lib/contract/events'
import { parseJson } from '@/lib/parse-json'
import type { Chain } from '@/lib/policy/engine/chain'
import { type Decision, decidePhaseAsync, type PolicyResult } from '@/lib/policy/engine/decide'
import type { Ports } from '@/lib/policy/engine/policy'
import { writeTexts } from '@/lib/policy/engine/redact'
import type {
  Caller,
  ConversationState,
  JsonPath,
  Part,
  Phase,
  Subject,
  TargetFacts,
  ToolCall,
} from '@/lib/policy/engine/subject'
import { HALT_FLAG } from '@/lib/policy/kinds/agent-firewall'
import { decideCallsOf } from '@/lib/policy/stream/decide-calls'
import type { CallDecision } from '@/lib/policy/stream/rules'
import { type Walked, WalkRefused } from '@/lib/policy/walk/walked'
import type { Conversation } from './conversations'
import { Refusal } from './errors'
import type { Log } from './plane'
import type { Json } from './providers/adapter'
import { NOTHING_WALKED } from './walks'

/** What of a request all phases share. */
export type Governed = {
  apiShape: string
  model: string
  /** Asked for once, and only where policies run. */
  caller(): Caller
  targets: readonly TargetFacts[]
}

/** What all requests share that a governor needs. */
export type Surroundings = {
  nowMs: number
  ports: Ports
  log: Log
  /** Looked up only by chains that have policies for tools. */
  conversation: () => Conversation
}

/** A body that may go on: as it was given, or as policies changed it. */
export type Passed = { body: Json; targets: readonly string[] | null; walked: Walked }

const REFUSED = { input: 'input_blocked', tool: 'tool_blocked', output: 'output_blocked' } as const

/**
 * Runs the policies of one request, phase by phase, and remembers what they said for the record.
 *
 * Nothing here waits unless a policy asks another service: without one, every answer is there at once.
 */
export class Governor {
  readonly chain: Chain
  verdict: Verdict = 'allow'
  reasonCode = 'ok'
  readonly results: PolicyResult[] = []
  readonly flags: string[] = []
  /** Of the request, once it has been looked through: what output policies compare an answer with. */
  requestParts: readonly Part[] = []
  readonly #governed: Governed
  readonly #around: Surroundings
  readonly #conversation: Conversation | null
  #state: ConversationState | null
  #caller: Caller | null = null

  constructor(chain: Chain, governed: Governed, around: Surroundings) {
    this.chain = chain
    this.#governed = governed
    this.#around = around
    this.#conversation = chain.phases.tool.length > 0 ? around.conversation() : null
    this.#state = this.#conversation?.state(around.nowMs) ?? null
  }

  /** There is nothing to look through. */
  get isIdle(): boolean {
    return this.chain.policies.length === 0
  }

  runs(phase: Phase): boolean {
    return this.chain.phases[phase].length > 0
  }

  /**
   * Looks a body through in one phase.
   *
   * @throws Refusal (or rejects with it) when it may not go on
   */
  pass(phase: Phase, body: Json, walk: (body: unknown) => Walked): Passed | Promise<Passed> {
    const walked = this.walked(body, walk)
    if (phase === 'input') this.requestParts = walked.parts
    return this.#judged(phase, body, walked)
  }

  #judged(phase: Phase, body: Json, walked: Walked): Passed | Promise<Passed> {
    if (!this.runs(phase)) return { body, targets: null, walked }
    const decision = decidePhaseAsync(this.chain, this.subjectOf(phase, walked), this.#around.nowMs, this.#around.ports)
    return decision instanceof Promise
      ? decision.then((decided) => this.#passed(phase, body, walked, decided))
      : this.#passed(phase, body, walked, decision)
  }

  subjectOf(phase: Phase, { parts, toolCalls, tools, skipped }: Walked): Subject {
    const requestParts = phase === 'input' ? NO_PARTS : this.requestParts
    const { apiShape, model, targets, caller } = this.#governed
    this.#caller ??= caller()
    return {
      phase,
      apiShape,
      model,
      targets,
      caller: this.#caller,
      conversation: this.#state,
      parts,
      toolCalls,
      tools,
      skipped,
      requestParts,
    }
  }

  /** @throws Refusal for a body that holds more than is looked through */
  walked(body: Json, walk: (body: unknown) => Walked): Walked {
    try {
      return walk(body)
    } catch (cause) {
      if (!(cause instanceof WalkRefused)) throw cause
      throw new Refusal('invalid_request', `The body holds ${cause.message}.`, { cause })
    }
  }

  /** @throws Refusal for an answer that holds more than is looked through */
  walkedAnswer(json: Json, walk: (body: unknown) => Walked): Walked {
    try {
      return walk(json)
    } catch (cause) {
      if (!(cause instanceof WalkRefused)) throw cause
      throw new Refusal('output_blocked', `The answer holds ${cause.message}.`, { cause })
    }
  }

  /** Takes a decision into the record. */
  note(decision: Pick<Decision, 'verdict' | 'reasonCode' | 'results' | 'flags' | 'failures'>): void {
    this.results.push(...decision.results)
    for (const flag of decision.flags) if (!this.flags.includes(flag)) this.flags.push(flag)
    if (RANK[decision.verdict] > RANK[this.verdict]) {
      this.verdict = decision.verdict
      this.reasonCode = decision.reasonCode
    }
    if (decision.flags.includes(HALT_FLAG)) this.#conversation?.halt()
    for (const { policy, cause } of decision.failures) this.#around.log.error({ err: cause, policy }, 'a policy failed')
  }

  /** null for a decision that lets the body go on. */
  refusalOf(
    phase: Phase,
    { verdict, policy, message }: Pick<Decision, 'verdict' | 'policy' | 'message'>,
  ): Refusal | null {
    const by = policy === null ? {} : { policy }
    if (verdict === 'block') return new Refusal(REFUSED[phase], message ?? MESSAGES[phase], by)
    if (verdict !== 'escalate') return null
    return new Refusal('escalation_required', message ?? 'A person has to decide about this request first.', by)
  }

  /**
   * Tool policies on the calls in a whole answer, then output policies on all of it.
   *
   * @throws Refusal (or rejects with it) when it may not go on
   */
  answer(json: Json, walk: (body: unknown) => Walked): Json | Promise<Json> {
    const walked = this.walkedAnswer(json, walk)
    const { toolCalls } = walked
    const decided = this.runs('tool') && toolCalls.length > 0 ? this.decideCalls(toolCalls, TOOL_ONLY) : null
    if (decided === null) return bodyOf(this.#judged('output', json, walked))
    const go = ({ decisions, arguments: rewritten }: CallDecision) => {
      for (const decision of decisions) {
        this.note(decision)
        const refusal = this.refusalOf('tool', decision)
        if (refusal !== null) throw refusal
      }
      const written = withArguments(json, toolCalls, rewritten)
      return bodyOf(this.#judged('output', written, written === json ? walked : this.walkedAnswer(written, walk)))
    }
    return decided instanceof Promise ? decided.then(go) : go(decided)
  }

  /**
   * Output policies on what a provider says instead of an answer.
   *
   * @throws Refusal (or rejects with it) when it may not go on
   */
  said(json: Json, walk: (body: unknown) => Walked): Json | Promise<Json> {
    return bodyOf(this.#judged('output', json, this.walkedAnswer(json, walk)))
  }

  /**
   * Decides calls that a model asks for together, before they reach whoever makes them. What is decided is not noted yet.
   *
   * @param phases those of the chain that take part
   */
  decideCalls(calls: readonly ToolCall[], phases: readonly Phase[]): CallDecision | Promise<CallDecision> {
    const turn = this.#conversation?.begin(calls, this.#around.nowMs)
    if (turn === null) return { decisions: [TOO_MANY_TOOLS], arguments: calls.map(() => null) }
    if (turn !== undefined) this.#state = turn.state
    const subject = this.subjectOf('tool', NOTHING_WALKED)
    const decide = decideCallsOf(only(this.chain, phases), subject, this.#around.nowMs, this.#around.ports)
    const settled = (decided: CallDecision) => {
      if (decided.decisions.some(({ verdict }) => verdict === 'block' || verdict === 'escalate')) turn?.takeBack()
      return decided
    }
    const decided = decide?.(calls) ?? { decisions: [], arguments: calls.map(() => null) }
    return decided instanceof Promise ? decided.then(settled) : settled(decided)
  }

  #passed(phase: Phase, body: Json, walked: Walked, decision: Decision): Passed {
    this.note(decision)
    const refusal = this.refusalOf(phase, decision)
    if (refusal !== null) throw refusal
    const { texts, targets } = decision
    if (texts.size === 0) return { body, targets, walked }
    const edits = [...texts].flatMap(([part, text]) => {
      const path = walked.parts[part]?.path
      return path === undefined ? [] : [{ path, text }]
    })
    return { body: writeTexts(body, edits) as Json, targets, walked }
  }
}

const TOOL_ONLY: readonly Phase[] = ['tool']
/** What policies see of a stream's calls. */
export const CALL_PHASES: readonly Phase[] = ['tool', 'output']

const only = (chain: Chain, phases: readonly Phase[]): Chain => ({
  ...chain,
  phases: {
    input: phases.includes('input') ? chain.phases.input : [],
    tool: phases.includes('tool') ? chain.phases.tool : [],
    output: phases.includes('output') ? chain.phases.output : [],
  },
})

/** The answer with other arguments in its calls: as text where they travel as text, as a value where they are one. */
function withArguments(json: Json, calls: readonly ToolCall[], rewritten: readonly (string | null)[]): Json {
  let written: unknown = json
  for (const [at, { path }] of calls.entries()) {
    const text = rewritten[at] ?? null
    if (text !== null) written = withValueAt(written, path, text)
  }
  return written as Json
}

function withValueAt(value: unknown, path: JsonPath, text: string): unknown {
  const [key, ...rest] = path
  if (key === undefined) return typeof value === 'string' ? text : parseJson(text)
  if (Array.isArray(value)) return value.map((item, at) => (at === key ? withValueAt(item, rest, text) : item))
  if (typeof value !== 'object' || value === null) throw new RangeError('a tool call is not where it was found')
  return { ...value, [key]: withValueAt(Reflect.get(value, key), rest, text) }
}

const bodyOf = (passed: Passed | Promise<Passed>): Json | Promise<Json> =>
  passed instanceof Promise ? passed.then(({ body }) => body) : passed.body

const TOO_MANY_TOOLS: Decision = {
  verdict: 'block',
  policy: null,
  reasonCode: 'conversation.too_many_tools',
  message: 'This conversation has used too many different tools.',
  redactions: [],
  texts: new Map(),
  flags: [],
  detections: [],
  decisive: [],
  targets: null,
  results: [],
  failures: [],
}

const NO_PARTS: readonly Part[] = []
const RANK = { allow: 0, redact: 1, escalate: 2, block: 3 } as const
const MESSAGES = {
  input: 'A policy does not allow this request.',
  tool: 'A policy does not allow this tool call.',
  output: 'A policy does not allow this answer.',
} as const
