import type { CompiledConfig } from './compile'
import { POLICY_KINDS } from './kinds/all'

/** Fetches what the chains of a configuration need into memory: to be waited for before any of them decides. */
export async function loadPolicies(config: Pick<CompiledConfig, 'kinds' | 'routes' | 'consumerGroups'>): Promise<void> {
  const wanted = new Set([config, ...config.routes, ...config.consumerGroups].flatMap(({ kinds }) => kinds ?? []))
  await Promise.all(POLICY_KINDS.filter(({ kind }) => wanted.has(kind)).map((kind) => kind.load?.()))
}
