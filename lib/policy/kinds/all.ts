import type { PolicyKind } from '../engine/policy'
import { AGENT_FIREWALL } from './agent-firewall'
import { AUDIT_LOGGER } from './audit-logger'
import { BIAS_MONITOR } from './bias-monitor'
import { BOT_DETECTOR } from './bot-detector'
import { CASE_PRIVACY } from './case-privacy'
import { CITATION_VERIFIER } from './citation-verifier'
import { CODE_SANITIZER } from './code-sanitizer'
import { DATA_ROUTING_POLICY } from './data-routing-policy'
import { DLP_FILTER } from './dlp-filter'
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
import { HIPAA_PHI_DETECTOR } from './hipaa-phi-detector'
import { HUMAN_OVERSIGHT } from './human-oversight'
import { ITAR_EAR_FILTER } from './itar-ear-filter'
import { LANGUAGE_VALIDATOR } from './language-validator'
import { LEGAL_PRIVILEGE } from './legal-privilege'
import { MNPI_FILTER } from './mnpi-filter'
import { PII_DETECTOR } from './pii-detector'
import { PROMPT_INJECTION } from './prompt-injection'
import { QUALITY_SCORER } from './quality-scorer'
import { RBAC } from './rbac'
import { RESPONSE_REWRITER } from './response-rewriter'
import { SAFETY_FILTER } from './safety-filter'
import { STUDENT_PRIVACY } from './student-privacy'
import { TOOL_BUDGET } from './tool-budget'
import { TOOL_SECURITY } from './tool-security'
import { TOOL_VALIDATION } from './tool-validation'
import { UPL_FILTER } from './upl-filter'

/** Every policy kind that this release runs, in the order of the documentation. A kind that is not here is refused. */
export const POLICY_KINDS: readonly PolicyKind<unknown>[] = [
  PROMPT_INJECTION,
  PII_DETECTOR,
  HIPAA_PHI_DETECTOR,
  DLP_FILTER,
  SAFETY_FILTER,
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
  LANGUAGE_VALIDATOR,
  BOT_DETECTOR,
  QUALITY_SCORER,
  HUMAN_OVERSIGHT,
  CITATION_VERIFIER,
  FLAGGED_REVIEW,
  RESPONSE_REWRITER,
  CODE_SANITIZER,
  BIAS_MONITOR,
  FINANCIAL_COMPLIANCE,
  HEALTHCARE_COMPLIANCE,
  GDPR_COMPLIANCE,
  EU_AI_ACT,
  UPL_FILTER,
  LEGAL_PRIVILEGE,
  CASE_PRIVACY,
  STUDENT_PRIVACY,
  ITAR_EAR_FILTER,
  DUAL_USE_FILTER,
  ENTITY_LIST_FILTER,
  MNPI_FILTER,
]
