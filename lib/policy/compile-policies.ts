import type { PolicyConfig } from './config/schema'
import { type Chain, type ChainEntry, type ChainOptions, compileChain } from './engine/chain'
import type { CompileContext } from './engine/policy'
import { POLICY_KINDS } from './kinds/all'

/**
 * The chain of a checked configuration.
 *
 * @throws what a kind throws on settings that its schema lets through but that it cannot use
 */
export function compilePolicies(
  config: Pick<PolicyConfig, 'policies' | 'policy'>,
  hasSecret: CompileContext['hasSecret'],
  options: Partial<ChainOptions> = {},
): Chain {
  const { chain } = config.policies
  return compileChain(chainEntries(config), { hasSecret, chain }, options)
}

/** Each kind of the chain with its settings; the defaults of those that have no block. */
export function chainEntries({ policies, policy }: Pick<PolicyConfig, 'policies' | 'policy'>): ChainEntry[] {
  return policies.chain.flatMap((name) => {
    const kind = POLICY_KINDS.find((one) => one.kind === name)
    // Linting has refused unknown kinds before.
    return kind ? [{ kind, settings: policy?.[name] ?? kind.settings.parse({}) }] : []
  })
}
