import { z } from 'zod'
import { CLEAN, type Finding, type Policy, type PolicyKind, type Ports, type View } from '../engine/policy'
import type { ToolCall } from '../engine/subject'
import { dangerIn, TOOL_DANGERS, type ToolDanger } from './tool-dangers'
import { entityIn, TOOL_ENTITIES } from './tool-entities'
import { refuseCalls } from './tool-finding'
import { httpAddress, OnError, SecretRef } from './tool-settings'
import { toolStrings } from './tool-strings'

const Settings = z
  .strictObject({
    /** `local` looks for dangerous patterns itself; `external` asks `firewall_endpoint`. */
    analysis_mode: z.enum(['local', 'external']).default('local'),
    /** POST of `{tool, arguments}`, answered with `{"verdict": "allow" | "deny"}`. */
    firewall_endpoint: httpAddress.optional(),
    secret_key_ref: SecretRef.optional(),
    timeout_ms: z.number().int().min(100).max(60_000).default(3_000),
    /** Whether a call is refused when the endpoint gives no verdict. */
    fail_closed: z.boolean().default(true),
    /** Looked for in both modes. */
    blocked_entity_types: z.array(z.enum(TOOL_ENTITIES)).max(TOOL_ENTITIES.length).default([]),
    on_error: OnError,
  })
  .superRefine(({ analysis_mode, firewall_endpoint }, context) => {
    if ((analysis_mode === 'external') === (firewall_endpoint !== undefined)) return
    const message = 'is needed by "analysis_mode: external" and by nothing else'
    context.addIssue({ code: 'custom', path: ['firewall_endpoint'], message })
  })
type Settings = z.infer<typeof Settings>

const VERSION = '1'

/** Whether a tool call does what no call should do. */
export const TOOL_SECURITY: PolicyKind<Settings> = {
  kind: 'tool-security',
  version: VERSION,
  summary: 'Refuses tool calls with dangerous patterns (shell, paths, internal addresses, SQL) or secret data in them.',
  phases: ['tool'],
  settings: Settings,
  needsBlock: false,
  compile,
}

const REASONS: Record<ToolDanger, string> = {
  shell_injection: 'shell commands',
  path_traversal: 'a path that leaves its place',
  ssrf: 'an address inside the network',
  sql_injection: 'injected SQL',
}

function compile(settings: Settings): Policy {
  const { analysis_mode: mode, firewall_endpoint: endpoint, blocked_entity_types: entities } = settings
  const dangers = mode === 'local' ? TOOL_DANGERS : []

  function check({ subject }: View): Finding {
    for (const call of subject.toolCalls) {
      const { strings, complete } = toolStrings(call)
      for (const { text } of strings) {
        const entity = entities.length > 0 ? entityIn(text, entities) : null
        if (entity !== null)
          return refuseCalls(`tool_security.${entity}`, 'This call contains data that must not leave.')
        const danger = dangers.length > 0 ? dangerIn(text, dangers) : null
        if (danger !== null) return refuseCalls(`tool_security.${danger}`, `This call contains ${REASONS[danger]}.`)
      }
      if (!complete) return refuseCalls('tool_security.too_large', 'The arguments are too large to be looked through.')
    }
    return CLEAN
  }

  const policy: Policy = {
    kind: 'tool-security',
    version: VERSION,
    phases: ['tool'],
    terms: [],
    onError: settings.on_error,
    streaming: 'buffered',
    explain: [
      ...(mode === 'local'
        ? ['Refuses tool calls with shell injection, path traversal, internal addresses or injected SQL.']
        : []),
      ...(endpoint ? [`Asks ${new URL(endpoint).host} about every tool call.`] : []),
      ...(entities.length > 0 ? [`Refuses tool calls that contain ${entities.join(', ')}.`] : []),
    ],
    bytesMax: 0,
    check,
  }
  if (endpoint === undefined) return policy
  return {
    ...policy,
    async ask(view, ports) {
      const finding = check(view)
      if (finding.verdict !== 'allow') return finding
      for (const call of view.subject.toolCalls) {
        const verdict = await verdictOf(call, settings, endpoint, ports)
        if (verdict === 'deny') return refuseCalls('tool_security.denied', 'The tool firewall refused this call.')
        if (verdict === 'unknown') return withoutVerdict(settings)
      }
      return CLEAN
    },
  }
}

function withoutVerdict({ fail_closed }: Settings): Finding {
  if (fail_closed) return refuseCalls('tool_security.unavailable', 'The tool firewall gave no verdict on this call.')
  return {
    ...CLEAN,
    flags: ['tool_security.unavailable'],
    skipped: [{ what: 'tool calls', why: 'the tool firewall gave no verdict' }],
  }
}

async function verdictOf(call: ToolCall, settings: Settings, endpoint: string, ports: Ports) {
  const { secret_key_ref: ref, timeout_ms: timeoutMs } = settings
  const secret = ref === undefined ? null : ports.secret(ref)
  if (secret === null && ref !== undefined) return 'unknown'
  const question = { tool: call.name, arguments: call.parsed === undefined ? call.arguments : call.parsed }
  const headers: Record<string, string> = secret === null ? {} : { authorization: `Bearer ${secret}` }
  try {
    const { status, body } = await ports.postJson(endpoint, question, { headers, timeoutMs })
    const answer = Answer.safeParse(body)
    return status === 200 && answer.success ? answer.data.verdict : 'unknown'
  } catch {
    return 'unknown' // whatever kept it from answering, `fail_closed` says what that means
  }
}

const Answer = z.object({ verdict: z.enum(['allow', 'deny']) })
