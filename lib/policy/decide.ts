import type { CompiledConfig, Target } from './compile'

/** What is known of a request before any provider has seen it. */
type PolicyRequest = {
  model: string
  /** null: the key does not restrict it. */
  allowedModels: readonly string[] | null
  allowedProviders: readonly string[] | null
  /** Of the route and the consumer group (`scopeOf`): ids of the only targets, and the only models. */
  scope?: { targets: readonly string[] | null; allowedModels: readonly string[] | null }
}

export type Decision =
  /** `targets` serve the model and are within the key's scope, in declared order; whether one is usable is routing. */
  | { verdict: 'allow'; targets: readonly Target[] }
  | {
      verdict: 'block'
      code: 'model_not_allowed' | 'provider_not_allowed' | 'model_not_found'
      reasonCode: 'model.not_allowed' | 'provider.not_allowed' | 'model.not_found'
      /** For the caller. */
      message: string
      rule: 'allowed_models' | 'allowed_providers' | 'providers.targets'
    }

/**
 * The one place that says yes or no to a request. Pure: the same request under the same configuration is always decided
 * the same way, so that the gateway, a test run and a replay agree.
 */
export function decide(request: PolicyRequest, config: CompiledConfig): Decision {
  const { model, allowedModels, allowedProviders, scope } = request
  const isAllowed = [allowedModels, scope?.allowedModels ?? null].every(
    (list) => list === null || listsModel(list, model),
  )
  if (!isAllowed) {
    return {
      verdict: 'block',
      code: 'model_not_allowed',
      reasonCode: 'model.not_allowed',
      message: `This key may not use the model ${model}.`,
      rule: 'allowed_models',
    }
  }
  const only = scope?.targets ?? null
  const serving = targetsFor(model, config).filter(({ id }) => only === null || only.includes(id))
  if (serving.length === 0) {
    return {
      verdict: 'block',
      code: 'model_not_found',
      reasonCode: 'model.not_found',
      message: `No provider of this gateway serves the model ${model}.`,
      rule: 'providers.targets',
    }
  }
  if (allowedProviders === null) return { verdict: 'allow', targets: serving }
  const targets = serving.filter((target) => allowedProviders.includes(target.provider))
  if (targets.length === 0) {
    return {
      verdict: 'block',
      code: 'provider_not_allowed',
      reasonCode: 'provider.not_allowed',
      message: `This key may not use the providers that serve the model ${model}.`,
      rule: 'allowed_providers',
    }
  }
  return { verdict: 'allow', targets }
}

/** Those of a model group in its order, and then of its fallback groups; or those that list the model, in declared order. */
function targetsFor(model: string, { modelGroups, targets }: CompiledConfig): readonly Target[] {
  let group = modelGroups.get(model)
  if (group === undefined)
    return targets.filter((target) => target.provider !== 'mcp' && listsModel(target.models, model))
  const found = new Set<Target>()
  const seen = new Set<string>()
  while (group !== undefined && !seen.has(group.name)) {
    seen.add(group.name)
    for (const id of group.targets) {
      const target = targets.find((one) => one.id === id && one.provider !== 'mcp')
      if (target !== undefined) found.add(target)
    }
    group = group.fallbackGroup === null ? undefined : modelGroups.get(group.fallbackGroup)
  }
  return [...found]
}

/** The models a key may ask for by name: what the usable targets declare, within the key's scope; sorted. */
export function visibleModels(
  scope: Pick<PolicyRequest, 'allowedModels' | 'allowedProviders'>,
  config: CompiledConfig,
): { id: string; provider: string }[] {
  const owners = new Map<string, string>()
  for (const target of config.targets) {
    if (target.unavailable !== null || target.provider === 'mcp') continue
    if (scope.allowedProviders !== null && !scope.allowedProviders.includes(target.provider)) continue
    // A target that serves any model has no list of its own: what the key names is what there is to show.
    const declared = target.models.includes('*') ? [...target.models, ...(scope.allowedModels ?? [])] : target.models
    for (const id of declared) {
      if (id === '*' || owners.has(id)) continue
      if (scope.allowedModels !== null && !listsModel(scope.allowedModels, id)) continue
      owners.set(id, target.provider)
    }
  }
  for (const [name, group] of config.modelGroups) {
    const first = config.targets.find(({ id, unavailable }) => unavailable === null && group.targets.includes(id))
    if (first === undefined || (scope.allowedModels !== null && !listsModel(scope.allowedModels, name))) continue
    if (scope.allowedProviders === null || scope.allowedProviders.includes(first.provider))
      owners.set(name, first.provider)
  }
  return [...owners].map(([id, provider]) => ({ id, provider })).sort((a, b) => (a.id < b.id ? -1 : 1))
}

const listsModel = (models: readonly string[], model: string) => models.includes(model) || models.includes('*')
