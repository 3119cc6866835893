import type { PolicyKind } from '../engine/policy'
import { AGENT_FIREWALL } from './agent-firewall'
import { TOOL_BUDGET } from './tool-budget'
import { TOOL_SECURITY } from './tool-security'
import { TOOL_VALIDATION } from './tool-validation'

/** Every policy kind that this release runs, in the order of the documentation. A kind that is not here is refused. */
export const POLICY_KINDS: readonly PolicyKind<unknown>[] = [
  AGENT_FIREWALL,
  TOOL_VALIDATION,
  TOOL_SECURITY,
  TOOL_BUDGET,
]
