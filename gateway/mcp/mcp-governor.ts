import type { Verdict } from '@/lib/contract/events'
import { looseName } from '@/lib/json'
import { type Chain, chainForResults } from '@/lib/policy/engine/chain'
import { type Decision, decidePhaseAsync, type PolicyResult } from '@/lib/policy/engine/decide'
import type { Ports } from '@/lib/policy/engine/policy'
import { writeTexts } from '@/lib/policy/engine/redact'
import type {
  Caller,
  ConversationState,
  JsonPath,
  Part,
  Subject,
  TargetFacts,
  ToolCall,
} from '@/lib/policy/engine/subject'
import { HALT_FLAG } from '@/lib/policy/kinds/agent-firewall'
import type { Conversation, Turn } from '../conversations'
import type { Log } from '../plane'
import { fieldsOf, RPC, type RpcMessage, type RpcNotification, type RpcRequest, type RpcResponse } from './json-rpc'
import { besideOf, contentOf, offeredIn, withOwnMeta } from './mcp-content'
import { definitionParts, mcpParts, NAMES_SKIPPED, TooManyParts } from './mcp-parts'

/** A request or an answer that goes no further. `message` is for the caller. */
export class McpStop extends Error {
  override readonly name = 'McpStop'

  constructor(
    readonly code: 'input_blocked' | 'tool_blocked' | 'output_blocked' | 'escalation_required' | 'invalid_request',
    message: string,
    readonly reasonCode: string,
    readonly policy: string | null,
    readonly rpcCode: number = RPC.refused,
  ) {
    super(message)
  }
}

/** About four characters are a token; tools do not say. */
const CHARACTERS_PER_TOKEN = 4
const RANK: Record<Verdict, number> = { allow: 0, redact: 1, escalate: 2, block: 3 }
const RESULTS_MAX = 100
/** Entries of a list of what a server offers. */
const OFFERED_MAX = 2_000

type Given = {
  chain: Chain
  caller: Caller
  target: TargetFacts
  conversation: Conversation
  ports: Ports
  log: Log
  nowMs: () => number
}

type Judged = {
  phase: Subject['phase']
  parts: readonly Part[]
  state: ConversationState | null
  toolCalls: readonly ToolCall[]
}

/** Puts what passes between a client and an MCP server before the policies, and gathers what they say for one record. */
export class McpGovernor {
  verdict: Verdict = 'allow'
  reasonCode = 'ok'
  readonly results: PolicyResult[] = []
  readonly flags = new Set<string>()
  readonly #given: Given
  #requestParts: readonly Part[] = []
  #call: ToolCall | null = null

  constructor(given: Given) {
    this.#given = given
  }

  get tool(): string | null {
    return this.#call?.name ?? null
  }

  /**
   * Input policies on what the request carries, then tool policies on the call as it would be made.
   *
   * @returns the request as it may go on
   * @throws McpStop
   */
  async onRequest(message: RpcRequest & RpcMessage): Promise<Record<string, unknown>> {
    const { document, method, params } = message
    const content = contentOf(method, params)
    const beside = besideOf(method, params)
    this.#call = method === 'tools/call' ? callOf(params) : null
    const turn = this.#call === null ? null : this.#begin([this.#call])
    try {
      const parts = [
        ...this.#partsOf(content.value, content.path, 'tool_arguments', 'user'),
        ...this.#partsOf(beside, ['params'], 'tool_arguments', 'user'),
      ]
      const input = await this.#decide({ phase: 'input', parts, state: turn?.state ?? null, toolCalls: [] })
      this.#assertAllowed(input, 'input_blocked')
      const edited = withTexts(document, parts, input)
      this.#requestParts = parts
      if (this.#call === null) return edited
      const call = callOf(fieldsOf(withTexts({ params }, parts, input).params) ?? {})
      this.#call = call
      const callParts = this.#partsOf(call.parsed, content.path, 'tool_arguments', 'assistant')
      const toolPhase = { phase: 'tool', parts: callParts, state: turn?.state ?? null, toolCalls: [call] } as const
      const tool = await this.#decide(toolPhase)
      this.#assertAllowed(tool, 'tool_blocked')
      return withTexts(edited, callParts, tool)
    } catch (thrown) {
      turn?.takeBack()
      throw thrown
    }
  }

  /**
   * Input policies on what a client says without a question: a notification, or its answer to one of the server.
   *
   * @returns the message as it may go on
   * @throws McpStop
   */
  async onTold(message: (RpcNotification | RpcResponse) & RpcMessage): Promise<Record<string, unknown>> {
    const { document } = message
    const parts =
      message.kind === 'notification'
        ? this.#partsOf(withOwnMeta(message.params), ['params'], 'tool_arguments', 'user')
        : message.error === undefined
          ? this.#partsOf(message.result, ['result'], 'tool_result', 'user')
          : this.#partsOf(message.error, ['error'], 'tool_result', 'user')
    const decision = await this.#decide({ phase: 'input', parts, state: null, toolCalls: [] })
    this.#assertAllowed(decision, 'input_blocked')
    return withTexts(document, parts, decision)
  }

  /**
   * Output policies on what a server answers, or says by itself, and those that look for orders in what a model reads.
   *
   * @param root the field of the message that holds it
   * @throws McpStop
   */
  async onSaid(document: Record<string, unknown>, plain: unknown, root: 'result' | 'error' | 'params') {
    const { chain } = this.#given
    const reading = chainForResults(chain)
    if (reading.phases.input.length + chain.phases.output.length === 0) return document
    const parts = this.#partsOf(plain, [root], 'tool_result', 'tool')
    const read = await this.#decide({ phase: 'input', parts, state: null, toolCalls: [] }, reading)
    this.#assertAllowed(read, 'output_blocked')
    return this.#asOutput(document, parts)
  }

  async #asOutput(document: Record<string, unknown>, parts: readonly Part[]): Promise<Record<string, unknown>> {
    const toolCalls = this.#call === null ? [] : [this.#call]
    const state = this.#given.conversation.state(this.#given.nowMs())
    const decision = await this.#decide({ phase: 'output', parts, state, toolCalls })
    this.#assertAllowed(decision, 'output_blocked')
    return withTexts(document, parts, decision)
  }

  /** What the call has used up, for the next ones of its conversation. */
  settle({ result, error }: Pick<RpcResponse, 'result' | 'error'>): void {
    if (this.#call === null) return
    const { conversation } = this.#given
    const characters = this.#call.arguments.length + JSON.stringify(result ?? error ?? null).length
    conversation.spend(this.#call.name, Math.ceil(characters / CHARACTERS_PER_TOKEN), 0n)
    if (error !== undefined || fieldsOf(result)?.isError === true) this.failed()
  }

  failed(): void {
    if (this.#call !== null) this.#given.conversation.fail()
  }

  /**
   * A list of what a server offers, without the tools that this caller could never use, and without what tool policies refuse for
   * what it says of itself: a model takes that for instructions. The document as it is when there is no such list in it.
   *
   * @param plain the result in the document, with its numbers as numbers
   * @throws McpStop
   */
  async onOffered(document: Record<string, unknown>, plain: unknown): Promise<Record<string, unknown>> {
    const result = fieldsOf(document.result)
    const offered = offeredIn(plain)
    if (result === null || offered === null) return document
    const { name, list } = offered
    const written = result[name]
    if (list.length > OFFERED_MAX && this.#given.chain.phases.tool.length > 0) throw this.#tooLarge('output_blocked')
    const shown: unknown[] = []
    for (const [at, one] of list.entries()) {
      const entry = await this.#shownEntry(name, fieldsOf(one), Array.isArray(written) ? written[at] : one)
      if (entry !== null) shown.push(entry)
    }
    const beside = Object.entries(result).filter(([field]) => looseName(field) !== looseName(name))
    return { ...document, result: { ...Object.fromEntries(beside), [name]: shown } }
  }

  /** null for one that is left out. */
  async #shownEntry(list: string, entry: Record<string, unknown> | null, written: unknown): Promise<unknown> {
    if (entry === null) return null
    if (list === 'tools' && (typeof entry.name !== 'string' || this.#isRefused(entry.name))) return null
    const isCalledByName = list === 'tools' || list === 'prompts'
    const parts = this.#within('output_blocked', () => definitionParts(entry, ['entry'], isCalledByName))
    const decision = await this.#judgeIntroduced(parts)
    if (decision === null) return null
    return withTexts({ entry: written }, parts, decision).entry
  }

  /** What a server says of itself when a session begins, without instructions that tool policies refuse. @throws McpStop */
  async onIntroduction(document: Record<string, unknown>, plain: unknown): Promise<Record<string, unknown>> {
    const isRead = this.#given.chain.phases.output.length > 0
    const said = isRead
      ? await this.#asOutput(document, this.#partsOf(plain, ['result'], 'tool_result', 'tool'))
      : document
    const { instructions, ...rest } = fieldsOf(said.result) ?? {}
    if (instructions === undefined) return said
    const parts = this.#partsOf(instructions, ['result', 'instructions'], 'tool_result', 'tool')
    const decision = await this.#judgeIntroduced(parts)
    return decision === null ? { ...said, result: rest } : withTexts(said, parts, decision)
  }

  /** Tool policies on what a model is told of a server before anything is called. null when it must not be told that. */
  async #judgeIntroduced(parts: readonly Part[]): Promise<Decision | null> {
    const decision = await this.#judge({ phase: 'tool', parts, state: null, toolCalls: [] })
    if (decision.verdict === 'allow') return decision
    // All else goes on, without what may not be in it.
    this.#note(decision, 'redact')
    if (decision.verdict === 'redact') return decision
    const { reasonCode: reason_code, policy } = decision
    this.#given.log.warn({ reason_code, policy }, 'something that an MCP server says of itself was left out')
    return null
  }

  #isRefused(name: string): boolean {
    const { chain, caller } = this.#given
    return chain.policies.some((policy) => policy.refusesTool?.(name, caller) === true)
  }

  #begin(calls: readonly ToolCall[]): Turn {
    const turn = this.#given.conversation.begin(calls, this.#given.nowMs())
    if (turn !== null) return turn
    this.verdict = 'block'
    this.reasonCode = 'conversation.too_many_tools'
    throw new McpStop('tool_blocked', 'This conversation has used too many different tools.', this.reasonCode, null)
  }

  #partsOf(value: unknown, path: JsonPath, kind: Part['kind'], role: Part['role']): Part[] {
    return this.#within(role === 'tool' ? 'output_blocked' : 'input_blocked', () => mcpParts(value, path, kind, role))
  }

  /** @throws McpStop for more than is looked through */
  #within<T>(code: 'input_blocked' | 'output_blocked', walk: () => T): T {
    try {
      return walk()
    } catch (thrown) {
      throw thrown instanceof TooManyParts ? this.#tooLarge(code) : thrown
    }
  }

  #tooLarge(code: 'input_blocked' | 'output_blocked'): McpStop {
    this.verdict = 'block'
    this.reasonCode = 'content.too_large'
    return new McpStop(code, 'There is too much in this message to be looked through.', this.reasonCode, null)
  }

  async #decide(it: Judged, chain = this.#given.chain): Promise<Decision> {
    const decision = await this.#judge(it, chain)
    this.#note(decision, decision.verdict)
    return decision
  }

  async #judge(it: Judged, chain = this.#given.chain): Promise<Decision> {
    const { caller, target, ports, nowMs, conversation } = this.#given
    const now = nowMs()
    const subject: Subject = {
      phase: it.phase,
      apiShape: 'mcp',
      model: '',
      parts: it.parts,
      toolCalls: it.toolCalls,
      tools: [],
      caller,
      targets: [target],
      conversation: it.state ?? conversation.state(now),
      skipped: [NAMES_SKIPPED],
      requestParts: it.phase === 'output' ? this.#requestParts : [],
    }
    return decidePhaseAsync(chain, subject, now, ports)
  }

  /** Takes a decision into the record. */
  #note({ failures, flags, results, reasonCode }: Decision, verdict: Verdict): void {
    const { log, conversation } = this.#given
    for (const { policy, cause } of failures) log.error({ err: cause, policy }, 'a policy failed')
    for (const flag of flags) this.flags.add(flag)
    if (this.flags.has(HALT_FLAG)) conversation.halt()
    this.results.push(...results.slice(0, RESULTS_MAX - this.results.length))
    if (RANK[verdict] <= RANK[this.verdict]) return
    this.verdict = verdict
    this.reasonCode = reasonCode
  }

  #assertAllowed(decision: Decision, code: 'input_blocked' | 'tool_blocked' | 'output_blocked'): void {
    const { verdict, policy, reasonCode, targets } = decision
    const message = decision.message ?? 'A policy of this gateway refuses this.'
    if (verdict === 'block') throw new McpStop(code, message, reasonCode, policy)
    if (verdict === 'escalate') throw new McpStop('escalation_required', message, reasonCode, policy)
    if (targets === null || targets.includes(this.#given.target.id)) return
    this.verdict = 'block'
    this.reasonCode = 'data_routing.no_target'
    throw new McpStop('input_blocked', 'This server may not be given this data.', this.reasonCode, policy)
  }
}

/** Puts what a server says without being asked, or on a stream taken up again, before the policies. @throws McpStop */
export async function judgeSaid(governor: McpGovernor, message: RpcMessage): Promise<Record<string, unknown>> {
  const { document } = message
  if (message.kind !== 'response') return governor.onSaid(document, message.params, 'params')
  if (message.error !== undefined) return governor.onSaid(document, message.error, 'error')
  const offered = offeredIn(message.result)
  // Whatever stands beside a list is content like any other.
  if (offered !== null) {
    return governor.onSaid(await governor.onOffered(document, message.result), offered.beside, 'result')
  }
  return governor.onSaid(document, message.result, 'result')
}

const withTexts = (document: Record<string, unknown>, parts: readonly Part[], { texts }: Decision) =>
  texts.size === 0
    ? document
    : (writeTexts(
        document,
        [...texts].map(([index, text]) => ({ path: parts[index]?.path ?? [], text })),
      ) as Record<string, unknown>)

/** @throws McpStop when the params are not those of a call */
function callOf({ name, arguments: given }: Record<string, unknown>): ToolCall {
  const parsed = given === undefined ? {} : fieldsOf(given)
  if (typeof name !== 'string' || name === '' || name.length > 200 || parsed === null) {
    const message = 'tools/call needs a name and an object of arguments.'
    throw new McpStop('invalid_request', message, 'request.invalid', null, RPC.invalidParams)
  }
  return { id: null, name, arguments: JSON.stringify(parsed), parsed, path: ['params', 'arguments'] }
}
