import type { Diagnostic } from '@/lib/contract/configurations'
import { POLICY_KINDS } from '../kinds/all'
import { nearestName } from '../nearest-name'
import type { Path, readYaml } from '../yaml-source'
import { unknownKind } from './explain-issue'
import { meaningOfTarget } from './meaning-of-target'
import type { PolicyConfig } from './schema'

type Source = ReturnType<typeof readYaml>
type Report = (path: Path, code: string, message: string, suggestion?: string | null) => void

/** What single values cannot show: names used twice, references that lead nowhere, keys that exclude each other. */
export function meaningOf(config: PolicyConfig, source: Source): Diagnostic[] {
  const found: Diagnostic[] = []
  const report: Report = (path, code, message, suggestion) => {
    const severity = code.startsWith('W') ? 'warning' : 'error'
    const finding = { severity, code, message, suggestion } as const
    // What is wrong with a whole block is shown at its name.
    found.push(path[0] === 'policy' ? source.locateKey(path, finding) : source.locate(path, finding))
  }
  meaningOfChains(config, report)
  meaningOfSettings(config, report)
  const { targets } = config.providers
  if (targets.length === 0) {
    report(['providers', 'targets'], 'W001', 'There are no providers.targets: every request will be refused.')
  }
  reportTwice(targets, ['providers', 'targets'], 'id', 'target id', report)
  for (const [index, target] of targets.entries()) {
    found.push(...meaningOfTarget(target, ['providers', 'targets', index], source))
  }
  meaningOfGroups(config, report)
  meaningOfShared(config, report)
  return found
}

function meaningOfChains(config: PolicyConfig, report: Report): void {
  const chains: [Path, readonly string[]][] = [[['policies', 'chain'], config.policies.chain]]
  for (const key of ['routes', 'consumer_groups'] as const) {
    for (const [index, { chain }] of config[key].entries()) if (chain) chains.push([[key, index, 'chain'], chain])
  }
  const used = new Set<string>()
  for (const [path, chain] of chains) {
    const seen = new Set<string>()
    for (const [index, name] of chain.entries()) {
      const at = [...path, index]
      const kind = POLICY_KINDS.find((one) => one.kind === name)
      if (seen.has(name)) report(at, 'E005', `The policy "${name}" is in the chain twice.`)
      seen.add(name)
      used.add(name)
      if (!kind) {
        const { code, message, suggestion } = unknownKind(name)
        report(at, code, message, suggestion)
      } else if (kind.needsBlock && !Object.hasOwn(config.policy ?? {}, name)) {
        report(at, 'E003', `The policy "${name}" has nothing to go by: write its settings under policy.${name}.`)
      }
    }
  }
  for (const name of Object.keys(config.policy ?? {})) {
    if (!used.has(name)) {
      report(['policy', name], 'W003', `"${name}" is not in policies.chain, so its settings do nothing.`)
    }
  }
}

/** Settings that only turn out to be unusable when a policy is made of them, such as patterns that grow too large. */
function meaningOfSettings({ policies, policy }: PolicyConfig, report: Report): void {
  for (const kind of POLICY_KINDS) {
    if (!policy || !Object.hasOwn(policy, kind.kind)) continue
    try {
      kind.compile(policy[kind.kind], { hasSecret: () => true, chain: policies.chain })
    } catch (thrown) {
      report(
        ['policy', kind.kind],
        'E008',
        `"${kind.kind}": ${thrown instanceof Error ? thrown.message : 'cannot be used'}`,
      )
    }
  }
}

function meaningOfGroups(config: PolicyConfig, report: Report): void {
  const { targets, model_groups: groups } = config.providers
  const ids = targets.map(({ id }) => id)
  const reference = (path: Path, what: string, name: string, known: readonly string[]) => {
    if (known.includes(name)) return true
    const listed = known.length > 0 ? ` Known: ${known.slice(0, 20).join(', ')}.` : ''
    report(path, 'E004', `There is no ${what} "${name}".${listed}`, nearestName(name, known))
    return false
  }
  const names = new Set<string>()
  for (const [index, group] of groups.entries()) {
    const path = ['providers', 'model_groups', index]
    for (const [at, name] of [group.name, ...group.aliases].entries()) {
      const place = at === 0 ? [...path, 'name'] : [...path, 'aliases', at - 1]
      if (names.has(name)) report(place, 'E005', `The model group name "${name}" is used twice.`)
      names.add(name)
    }
    for (const [at, id] of group.targets.entries()) {
      const place = [...path, 'targets', at]
      if (!reference(place, 'target', id, ids)) continue
      if (group.targets.indexOf(id) < at) report(place, 'E005', `The target "${id}" is listed twice.`)
      const target = targets.find((one) => one.id === id)
      const isMapped = target?.model_map !== undefined && Object.hasOwn(target.model_map, group.name)
      if (target && target.model === undefined && target.models?.length !== 1 && !isMapped) {
        const message = `The target "${id}" serves several models: give it one "model", or a "model_map" that names "${group.name}".`
        report(place, 'E010', message)
      }
    }
    if (group.fallback_group !== undefined) {
      const place = [...path, 'fallback_group']
      const known = groups.map(({ name }) => name)
      if (!reference(place, 'model group', group.fallback_group, known)) continue
      if (isCircular(group.name, groups)) report(place, 'E010', 'The fallback groups lead back to this one.')
    }
  }
  if (config.mirror) reference(['mirror', 'target'], 'target', config.mirror.target, ids)
  for (const [index, route] of config.routes.entries()) {
    for (const [at, id] of (route.targets ?? []).entries())
      reference(['routes', index, 'targets', at], 'target', id, ids)
  }
  reportTwice(config.routes, ['routes'], 'name', 'route name', report)
  reportTwice(config.consumer_groups, ['consumer_groups'], 'name', 'group name', report)
}

function isCircular(name: string, groups: PolicyConfig['providers']['model_groups']): boolean {
  let at = groups.find((group) => group.name === name)?.fallback_group
  for (let step = 0; step < groups.length && at !== undefined; step++) {
    if (at === name) return true
    at = groups.find((group) => group.name === at)?.fallback_group
  }
  return false
}

function meaningOfShared({ limits, cache, gateway, network }: PolicyConfig, report: Report): void {
  const redis = 'The backend "redis" needs an address: write gateway.redis.secret_key_ref.'
  if (gateway.redis === undefined && limits.backend === 'redis') report(['limits', 'backend'], 'E004', redis)
  if (gateway.redis === undefined && cache?.backend === 'redis') report(['cache', 'backend'], 'E004', redis)
  for (const key of ['global', 'per_key', 'per_user', 'per_team', 'per_ip'] as const) {
    const limit = limits[key]
    if (limit && Object.keys(limit).length === 0) {
      report(['limits', key], 'E007', `"${key}" states no limit: write rpm, tpm or max_parallel_requests.`)
    }
  }
  if (network.cors?.credentials && network.cors.allow_origins.includes('*')) {
    const message = 'Browsers refuse credentials together with the origin "*": name the origins.'
    report(['network', 'cors', 'allow_origins'], 'E010', message)
  }
}

/** E005 for every entry of a list whose name was there before. */
function reportTwice<Key extends string>(
  list: readonly Record<Key, string>[],
  path: Path,
  key: Key,
  what: string,
  report: Report,
): void {
  const seen = new Set<string>()
  for (const [index, entry] of list.entries()) {
    if (seen.has(entry[key])) report([...path, index, key], 'E005', `The ${what} "${entry[key]}" is used twice.`)
    seen.add(entry[key])
  }
}
