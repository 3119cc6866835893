import type { PolicyConfig } from './config/schema'
import { type Chain, type ChainEntry, type ChainOptions, compileChain } from './engine/chain'
import type { CompileContext } from './engine/policy'
import { POLICY_KINDS } from './kinds/all'

/**
 * The chain of a checked configuration, or another one with the same settings.
 *
 * @throws what a kind throws on settings that its schema lets through but that it cannot use
 */
export function compilePolicies(
  config: Pick<PolicyConfig, 'policies' | 'policy'>,
  hasSecret: CompileContext['hasSecret'],
  options: Partial<ChainOptions> = {},
  chain: readonly string[] = config.policies.chain,
): Chain {
  return compileChain(chainEntries(config, chain), { hasSecret, chain }, options)
}

/** Each kind of the chain with its settings; the defaults of those that have no block. */
function chainEntries({ policy }: Pick<PolicyConfig, 'policy'>, chain: readonly string[]): ChainEntry[] {
  return chain.flatMap((name) => {
    const kind = POLICY_KINDS.find((one) => one.kind === name)
    // Linting has refused unknown kinds before.
    return kind ? [{ kind, settings: policy?.[name] ?? kind.settings.parse({}) }] : []
  })
}
