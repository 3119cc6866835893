import type { PolicyKind } from '../engine/policy'
import { AGENT_FIREWALL } from './agent-firewall'
import { AUDIT_LOGGER } from './audit-logger'
import { BIAS_MONITOR } from './bias-monitor'
import { CITATION_VERIFIER } from './citation-verifier'
import { DATA_ROUTING_POLICY } from './data-routing-policy'
import { DOCUMENT_ANALYZER } from './document-analyzer'
import { DUAL_USE_FILTER } from './dual-use-filter'
import { EMBEDDING_DETECTOR } from './embedding-detector'
import { ENTITY_LIST_FILTER } from './entity-list-filter'
import { EU_AI_ACT } from './eu-ai-act'
import { EXTERNAL_MODERATION } from './external-moderation'
import { FINANCIAL_COMPLIANCE } from './financial-compliance'
import { FLAGGED_REVIEW } from './flagged-review'
import { GDPR_COMPLIANCE } from './gdpr-compliance'
import { HEALTHCARE_COMPLIANCE } from './healthcare-compliance'
import { HUMAN_OVERSIGHT } from './human-oversight'
import { ITAR_EAR_FILTER } from './itar-ear-filter'
import { LEGAL_PRIVILEGE } from './legal-privilege'
import { MNPI_FILTER } from './mnpi-filter'
import { QUALITY_SCORER } from './quality-scorer'
import { RBAC } from './rbac'
import { RESPONSE_REWRITER } from './response-rewriter'
import { TOOL_BUDGET } from './tool-budget'
import { TOOL_SECURITY } from './tool-security'
import { TOOL_VALIDATION } from './tool-validation'
import { UPL_FILTER } from './upl-filter'

/** Every policy kind that this release runs, in the order of the documentation. A kind that is not here is refused. */
export const POLICY_KINDS: readonly PolicyKind<unknown>[] = [
  AGENT_FIREWALL,
  TOOL_VALIDATION,
  TOOL_SECURITY,
  TOOL_BUDGET,
  RBAC,
  DATA_ROUTING_POLICY,
  AUDIT_LOGGER,
  EXTERNAL_MODERATION,
  EMBEDDING_DETECTOR,
  DOCUMENT_ANALYZER,
  QUALITY_SCORER,
  HUMAN_OVERSIGHT,
  CITATION_VERIFIER,
  FLAGGED_REVIEW,
  RESPONSE_REWRITER,
  BIAS_MONITOR,
  FINANCIAL_COMPLIANCE,
  HEALTHCARE_COMPLIANCE,
  GDPR_COMPLIANCE,
  EU_AI_ACT,
  UPL_FILTER,
  LEGAL_PRIVILEGE,
  ITAR_EAR_FILTER,
  DUAL_USE_FILTER,
  ENTITY_LIST_FILTER,
  MNPI_FILTER,
]
