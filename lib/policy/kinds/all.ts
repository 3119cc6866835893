import type { PolicyKind } from '../engine/policy'

/** Every policy kind that this release runs, in the order of the documentation. A kind that is not here is refused. */
export const POLICY_KINDS: readonly PolicyKind<unknown>[] = []
