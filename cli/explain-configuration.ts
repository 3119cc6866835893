import { compilePolicies } from '@/lib/policy/compile-policies'
import type { PolicyConfig } from '@/lib/policy/config/schema'
import { POLICY_KINDS } from '@/lib/policy/kinds/all'

type ExplainedPolicy = {
  kind: string
  version: string
  summary: string
  phases: readonly string[]
  streaming: 'buffered' | 'realtime'
  on_error: 'deny' | 'allow'
  explanation: readonly string[]
}
type Explained = { pack: { name: string; version: string }; chain: ExplainedPolicy[]; lines: string[] }

const PHASES = { input: 'requests', tool: 'tool calls', output: 'answers' } as const

/** What a configuration does, in words. */
export function explainConfiguration(config: PolicyConfig): Explained {
  const { policies } = compilePolicies(config, () => true)
  const chain = policies.map((policy) => ({
    kind: policy.kind,
    version: policy.version,
    summary: POLICY_KINDS.find(({ kind }) => kind === policy.kind)?.summary ?? '',
    phases: policy.phases,
    streaming: policy.streaming === 'buffered' ? ('buffered' as const) : ('realtime' as const),
    on_error: policy.onError,
    explanation: policy.explain,
  }))
  const { pack } = config
  const lines = [
    `${pack.name} ${pack.version}${pack.enabled ? '' : ' (not enabled: every request is refused)'}`,
    '',
    chain.length === 0
      ? 'No policies: every request is passed on as it is.'
      : 'Policies, in the order in which they decide:',
    ...chain.flatMap(policyLines),
    '',
    ...providerLines(config),
    ...limitLines(config),
  ]
  return { pack: { name: pack.name, version: pack.version }, chain, lines }
}

function policyLines(policy: ExplainedPolicy, index: number): string[] {
  const watched = policy.phases.map((phase) => PHASES[phase as keyof typeof PHASES]).join(', ')
  const held =
    policy.phases.includes('output') && policy.streaming === 'buffered'
      ? ' Holds a streamed answer back until it is whole.'
      : ''
  const onError =
    policy.on_error === 'deny' ? 'If it fails, the request is refused.' : 'If it fails, the request goes on without it.'
  return [
    `${index + 1}. ${policy.kind} (looks at ${watched})`,
    ...[policy.summary, ...policy.explanation, `${onError}${held}`].map((line) => `   ${line}`),
  ]
}

function providerLines({ providers }: PolicyConfig): string[] {
  const { targets, routing, fallback, retry, circuit_breaker: breaker, model_groups: groups } = providers
  if (targets.length === 0) return ['No targets: every request is refused.']
  const further =
    fallback.triggers.length === 0 || fallback.max_fallback_attempts === 0
      ? 'A failure is the answer: nothing else is tried.'
      : `After ${fallback.triggers.join(', ')}: up to ${fallback.max_fallback_attempts} further calls, at most ${retry.budget_percent} % of all requests.`
  return [
    `Targets (${routing.strategy}${routing.sticky === 'conversation' ? ', a conversation stays with its target' : ''}):`,
    ...targets.map(({ id, provider, model, models }) => {
      const served = models?.join(', ') ?? model ?? 'any model'
      return `  ${id}: ${provider}, ${served}`
    }),
    further,
    `A target rests for ${breaker.cooldown_seconds} s after ${breaker.failure_threshold} failures in a row.`,
    ...groups.map(
      ({ name, aliases, targets: ids, fallback_group }) =>
        `Model group ${[name, ...aliases].join(', ')}: ${ids.join(', ')}${fallback_group ? `, then ${fallback_group}` : ''}.`,
    ),
  ]
}

function limitLines({ limits, network, cache, mirror, gateway }: PolicyConfig): string[] {
  const scopes = {
    global: 'together',
    per_key: 'per key',
    per_user: 'per user',
    per_team: 'per team',
    per_ip: 'per address',
  }
  const lines: string[] = []
  for (const [scope, words] of Object.entries(scopes)) {
    const limit = limits[scope as keyof typeof scopes]
    if (!limit) continue
    const parts = [
      limit.rpm && `${limit.rpm} requests a minute`,
      limit.tpm && `${limit.tpm} tokens a minute`,
      limit.max_parallel_requests && `${limit.max_parallel_requests} at the same time`,
    ]
    lines.push(`At most ${words}: ${parts.filter(Boolean).join(', ')}.`)
  }
  if (network.ip_allowlist) lines.push(`Only from ${network.ip_allowlist.cidrs.join(', ')}.`)
  if (cache) lines.push(`The same request within ${cache.ttl_seconds} s is answered from ${cache.backend}.`)
  if (mirror) lines.push(`${mirror.percent} % of requests are copied to ${mirror.target} after they were answered.`)
  if (gateway.anonymous === 'loopback') lines.push('Callers on this machine need no key.')
  return lines
}
