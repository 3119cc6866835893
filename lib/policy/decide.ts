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
  /**
   * `targets` serve the model and are within the key's scope, in declared order; whether one is usable is routing.
   * `tiers` are the same ones: those of a later tier answer when none of an earlier one can.
   */
  | { verdict: 'allow'; targets: readonly Target[]; tiers: readonly (readonly Target[])[] }
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
  const isListed = (list: readonly string[] | null) => list === null || listsModel(list, model)
  if (!isListed(allowedModels) || !isListed(scope?.allowedModels ?? null)) {
    return {
      verdict: 'block',
      code: 'model_not_allowed',
      reasonCode: 'model.not_allowed',
      message: `This key may not use the model ${model}.`,
      rule: 'allowed_models',
    }
  }
  const only = scope?.targets ?? null
  const all = servingTiers(model, config)
  const serving = only === null ? all : keptOf(all, ({ id }) => only.includes(id))
  if (serving.length === 0) {
    return {
      verdict: 'block',
      code: 'model_not_found',
      reasonCode: 'model.not_found',
      message: `No provider of this gateway serves the model ${model}.`,
      rule: 'providers.targets',
    }
  }
  const tiers =
    allowedProviders === null ? serving : keptOf(serving, ({ provider }) => allowedProviders.includes(provider))
  if (tiers.length === 0) {
    return {
      verdict: 'block',
      code: 'provider_not_allowed',
      reasonCode: 'provider.not_allowed',
      message: `This key may not use the providers that serve the model ${model}.`,
      rule: 'allowed_providers',
    }
  }
  return { verdict: 'allow', targets: tiers.flat(), tiers }
}

type Tiers = readonly (readonly Target[])[]

/** A tier of which nothing is kept is none. */
const keptOf = (tiers: Tiers, isKept: (target: Target) => boolean): Tiers =>
  tiers.map((tier) => tier.filter(isKept)).filter((tier) => tier.length > 0)

/** A model group goes before a target that serves any model. */
function servingTiers(model: string, { targets, modelGroups }: CompiledConfig): Tiers {
  const group = modelGroups.get(model)
  if (group === undefined) {
    const serving = targets.filter(({ provider, models }) => provider !== 'mcp' && listsModel(models, model))
    return serving.length === 0 ? [] : [serving]
  }
  const byId = new Map(targets.map((target) => [target.id, target]))
  return group.tiers.map((ids) => ids.flatMap((id) => byId.get(id) ?? [])).filter((tier) => tier.length > 0)
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
  // A group belongs to whoever answers for it first.
  for (const name of config.modelGroups.keys()) {
    if (owners.has(name) || (scope.allowedModels !== null && !listsModel(scope.allowedModels, name))) continue
    const usable = servingTiers(name, config)
      .flat()
      .find(
        ({ unavailable, provider }) =>
          unavailable === null && (scope.allowedProviders === null || scope.allowedProviders.includes(provider)),
      )
    if (usable) owners.set(name, usable.provider)
  }
  return [...owners].map(([id, provider]) => ({ id, provider })).sort((a, b) => (a.id < b.id ? -1 : 1))
}

const listsModel = (models: readonly string[], model: string) => models.includes(model) || models.includes('*')
