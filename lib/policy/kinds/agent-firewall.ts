import { z } from 'zod'
import { CLEAN, type Finding, type Policy, type PolicyKind, type Skipped } from '../engine/policy'
import type { Caller, ConversationState, Subject, ToolCall } from '../engine/subject'
import { amountOfCall } from './tool-amount'
import { dangerIn } from './tool-dangers'
import { entityIn, PERSONAL_ENTITIES } from './tool-entities'
import { refuseCalls } from './tool-finding'
import { anyGlobMatches } from './tool-glob'
import { toolStrings } from './tool-strings'

const globs = z.array(z.string().min(1).max(200)).max(500)
const count = z.number().int().min(1).max(1_000_000)
const money = z.number().min(0).max(1e15)
/** The gateway remembers this many recent calls per tool and session. */
const CALLS_PER_MINUTE_MAX = 1_000
const perMinute = z.number().int().min(1).max(CALLS_PER_MINUTE_MAX)

const SIMPLE_KEYS = ['allowed_tools', 'blocked_tools'] as const
const EXPANDED_KEYS = ['tools', 'rate_limits', 'transaction_limits', 'kill_switches', 'monitoring'] as const

const Settings = z
  .strictObject({
    /** Globs such as `code_*`. When stated, every other tool is refused. */
    allowed_tools: globs.optional(),
    /** Globs; stronger than `allowed_tools`. */
    blocked_tools: globs.optional(),
    /** Tool calls that one session may make. */
    max_actions_per_session: count.optional(),
    /** By the role in the header `x-user-role`; a caller of no listed role gets `default`, or nothing. */
    tools: z
      .strictObject({
        roles: z
          .record(z.string().min(1).max(100), z.strictObject({ allowed: globs.optional(), denied: globs.optional() }))
          .refine((roles) => Object.keys(roles).length <= 200, { message: 'at most 200 roles' }),
      })
      .optional(),
    /** Calls per minute and session: by exact name of the tool, and `default` for each of the others. */
    rate_limits: z
      .object({ default: perMinute.default(60) })
      .catchall(perMinute)
      .refine((limits) => Object.keys(limits).length <= 1_000, { message: 'at most 1,000 tools' })
      .optional(),
    /** In the unit of the arguments (`amount`, `total_amount`, ...). */
    transaction_limits: z
      .strictObject({
        max_single_transaction: money.optional(),
        /** Per caller and UTC day. */
        max_daily_total: money.optional(),
        require_approval_above: money.optional(),
      })
      .optional(),
    kill_switches: z
      .strictObject({
        /** Failed calls after which a session makes no more. */
        max_errors_before_halt: count.optional(),
        halt_on_pii_in_action: z.boolean().default(false),
        halt_on_suspicious_pattern: z.boolean().default(false),
        action: z.enum(['block', 'escalate']).default('block'),
      })
      .optional(),
    monitoring: z
      .strictObject({
        alert_on_denied_action: z.boolean().default(true),
        alert_on_rate_limit: z.boolean().default(true),
        /** Share of a limit from which on its use is flagged. */
        alert_threshold_percent: z.number().int().min(1).max(100).default(80),
      })
      .optional(),
    on_error: z.enum(['deny', 'allow']).default('deny'),
  })
  .superRefine((settings, context) => {
    const expanded = EXPANDED_KEYS.filter((key) => settings[key] !== undefined)
    for (const key of SIMPLE_KEYS) {
      if (settings[key] === undefined || expanded.length === 0) continue
      const message = `excludes "${expanded.join('", "')}": write the tools under "tools.roles" there`
      context.addIssue({ code: 'custom', path: [key], message })
    }
  })
type Settings = z.infer<typeof Settings>

const VERSION = '1'
const MINUTE_MS = 60_000
export const HALT_FLAG = 'agent_firewall.halt'

/** Which tools an agent may use, how often, for how much, and when it must stop. */
export const AGENT_FIREWALL: PolicyKind<Settings> = {
  kind: 'agent-firewall',
  version: VERSION,
  summary: 'Says which tools an agent may use, how often and for how much, and halts a session that goes wrong.',
  phases: ['input', 'tool'],
  settings: Settings,
  needsBlock: true,
  compile: (settings) => ({
    kind: 'agent-firewall',
    version: VERSION,
    phases: ['input', 'tool'],
    terms: [],
    onError: settings.on_error,
    streaming: 'buffered',
    explain: explain(settings),
    bytesMax: 0,
    check: ({ subject, nowMs }) => check(settings, subject, nowMs),
    refusesTool: (name, caller) => reasonAgainst(settings, name, caller) !== null,
  }),
}

function check(settings: Settings, subject: Subject, nowMs: number): Finding {
  const halted = haltOf(settings, subject.conversation)
  if (halted !== null) return halted
  if (subject.phase !== 'tool') return CLEAN
  const { monitoring } = settings
  const use = new Use(settings, subject.conversation, nowMs)
  for (const call of subject.toolCalls) {
    const denied = reasonAgainst(settings, call.name, subject.caller)
    if (denied !== null) {
      return refuseCalls(denied, 'This tool is not allowed here.', alerts(monitoring?.alert_on_denied_action, 'denied'))
    }
    const finding = dangerOf(settings, call) ?? use.take(call)
    if (finding !== null) return finding
  }
  return use.conclude()
}

/** What a session that was halted, or that failed too often, gets for an answer. */
function haltOf({ kill_switches: switches }: Settings, state: ConversationState | null): Finding | null {
  if (switches === undefined || state === null) return null
  const tooMany = switches.max_errors_before_halt !== undefined && state.errors >= switches.max_errors_before_halt
  if (!tooMany && state.halted !== true) return null
  const reason = tooMany ? 'agent_firewall.too_many_errors' : 'agent_firewall.halted'
  return { ...refuseCalls(reason, 'This session has been halted.', [HALT_FLAG]), verdict: switches.action }
}

function dangerOf({ kill_switches: switches }: Settings, call: ToolCall): Finding | null {
  if (!switches?.halt_on_pii_in_action && !switches?.halt_on_suspicious_pattern) return null
  const { strings, complete } = toolStrings(call)
  const halt = (reason: string, message: string): Finding => ({
    ...refuseCalls(reason, message, [HALT_FLAG]),
    verdict: switches.action,
  })
  if (!complete)
    return halt('agent_firewall.too_large', 'The arguments of this call are too large to be looked through.')
  for (const { text } of strings) {
    if (switches.halt_on_pii_in_action && entityIn(text, PERSONAL_ENTITIES) !== null) {
      return halt('agent_firewall.pii_in_action', 'This call contains personal data; the session has been halted.')
    }
    if (switches.halt_on_suspicious_pattern && dangerIn(text) !== null) {
      return halt('agent_firewall.suspicious_pattern', 'This call looks dangerous; the session has been halted.')
    }
  }
  return null
}

/** Why a tool is refused whatever it is asked; null when it is not. */
function reasonAgainst(settings: Settings, name: string, caller: Caller): string | null {
  const { allowed_tools: allowed, blocked_tools: blocked, tools } = settings
  if (blocked && anyGlobMatches(blocked, name)) return 'agent_firewall.tool_blocked'
  if (allowed && !anyGlobMatches(allowed, name)) return 'agent_firewall.tool_not_allowed'
  if (tools === undefined) return null
  const claimed = caller.headers['x-user-role'] ?? 'default'
  const roles = new Map(Object.entries(tools.roles))
  const role = roles.get(claimed) ?? roles.get('default')
  if (role === undefined) return 'agent_firewall.role_unknown'
  if (role.denied && anyGlobMatches(role.denied, name)) return 'agent_firewall.tool_denied_for_role'
  return role.allowed && !anyGlobMatches(role.allowed, name) ? 'agent_firewall.tool_not_allowed_for_role' : null
}

const alerts = (isWanted: boolean | undefined, what: string) => (isWanted ? [`agent_firewall.alert.${what}`] : [])

/** What the session has used so far, together with the calls of this decision that were found good. */
class Use {
  readonly #settings: Settings
  readonly #state: ConversationState | null
  readonly #nowMs: number
  readonly #flags = new Set<string>()
  readonly #calls = new Map<string, number>()
  #actions = 0
  #amount = 0
  #needsApproval = false

  constructor(settings: Settings, state: ConversationState | null, nowMs: number) {
    this.#settings = settings
    this.#state = state
    this.#nowMs = nowMs
  }

  take(call: ToolCall): Finding | null {
    return this.#takeAction() ?? this.#takeRate(call.name) ?? this.#takeAmount(call)
  }

  conclude(): Finding {
    const skipped: Skipped[] =
      this.#state === null ? [{ what: 'limits of the session', why: 'there is no session to count in' }] : []
    const flags = [...this.#flags]
    if (!this.#needsApproval) return flags.length + skipped.length === 0 ? CLEAN : { ...CLEAN, flags, skipped }
    const message = 'This transaction needs the approval of a person.'
    return { ...refuseCalls('agent_firewall.approval_required', message, flags), verdict: 'escalate', skipped }
  }

  #takeAction(): Finding | null {
    const { max_actions_per_session: max } = this.#settings
    if (max === undefined) return null
    this.#actions += 1
    const used = (this.#state?.actions ?? 0) + this.#actions
    this.#watch('actions', used, max)
    if (used <= max) return null
    return refuseCalls('agent_firewall.too_many_actions', 'This session has made all the tool calls it may make.', [
      ...alerts(this.#settings.monitoring?.alert_on_rate_limit, 'rate_limit'),
    ])
  }

  #takeRate(name: string): Finding | null {
    const { rate_limits: limits } = this.#settings
    if (limits === undefined) return null
    const max = Object.hasOwn(limits, name) ? limits[name] : limits.default
    if (max === undefined) return null
    const now = (this.#calls.get(name) ?? 0) + 1
    this.#calls.set(name, now)
    const recent = this.#state?.recentToolCalls.get(name) ?? []
    const used = recent.reduce((sum, atMs) => sum + (atMs > this.#nowMs - MINUTE_MS ? 1 : 0), now)
    this.#watch('rate_limit', used, max)
    if (used <= max) return null
    return refuseCalls('agent_firewall.rate_limited', 'This tool has been called too often in the last minute.', [
      ...alerts(this.#settings.monitoring?.alert_on_rate_limit, 'rate_limit'),
    ])
  }

  #takeAmount(call: ToolCall): Finding | null {
    const { transaction_limits: limits } = this.#settings
    if (limits === undefined) return null
    const amount = amountOfCall(call)
    if (amount === null) {
      return refuseCalls('agent_firewall.amount_unreadable', 'The amount of this call cannot be read as a number.')
    }
    this.#amount += amount
    const total = (this.#state?.transactionsToday ?? 0) + this.#amount
    if (limits.max_single_transaction !== undefined && amount > limits.max_single_transaction) {
      return refuseCalls('agent_firewall.transaction_too_large', 'This transaction is larger than allowed.')
    }
    if (limits.max_daily_total !== undefined && amount > 0) {
      if (total > limits.max_daily_total) {
        return refuseCalls('agent_firewall.daily_total_exceeded', "Today's total of transactions would be exceeded.")
      }
      this.#watch('daily_total', total, limits.max_daily_total)
    }
    if (limits.require_approval_above !== undefined && amount > limits.require_approval_above) {
      this.#needsApproval = true
    }
    return null
  }

  #watch(what: string, used: number, max: number): void {
    const percent = this.#settings.monitoring?.alert_threshold_percent
    if (percent !== undefined && used * 100 >= max * percent) this.#flags.add(`agent_firewall.alert.${what}_threshold`)
  }
}

function explain(settings: Settings): Policy['explain'] {
  const { allowed_tools, blocked_tools, tools, rate_limits, transaction_limits, kill_switches } = settings
  const sentences: string[] = []
  if (blocked_tools?.length) sentences.push(`Refuses the tools ${blocked_tools.join(', ')}.`)
  if (allowed_tools) {
    sentences.push(
      allowed_tools.length > 0 ? `Refuses tools other than ${allowed_tools.join(', ')}.` : 'Refuses all tools.',
    )
  }
  for (const [role, { allowed, denied }] of Object.entries(tools?.roles ?? {})) {
    const may = allowed ? allowed.join(', ') || 'no tool' : 'every tool'
    sentences.push(`Lets the role ${role} use ${may}${denied?.length ? ` but not ${denied.join(', ')}` : ''}.`)
  }
  if (settings.max_actions_per_session) {
    sentences.push(`Allows ${settings.max_actions_per_session} tool calls per session.`)
  }
  for (const [tool, max] of Object.entries(rate_limits ?? {})) {
    sentences.push(`Allows ${max} calls a minute of ${tool === 'default' ? 'any other tool' : tool} in a session.`)
  }
  const { max_single_transaction, max_daily_total, require_approval_above } = transaction_limits ?? {}
  if (max_single_transaction !== undefined) sentences.push(`Refuses transactions above ${max_single_transaction}.`)
  if (max_daily_total !== undefined)
    sentences.push(`Refuses transactions that bring a caller's day above ${max_daily_total}.`)
  if (require_approval_above !== undefined) sentences.push(`Escalates transactions above ${require_approval_above}.`)
  if (kill_switches?.max_errors_before_halt) {
    sentences.push(`Halts a session after ${kill_switches.max_errors_before_halt} failed calls.`)
  }
  if (kill_switches?.halt_on_pii_in_action) sentences.push('Halts a session whose tool calls contain personal data.')
  if (kill_switches?.halt_on_suspicious_pattern) sentences.push('Halts a session whose tool calls look dangerous.')
  return sentences
}
