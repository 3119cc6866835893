import { AGENT_FIREWALL } from './agent-firewall'
import { CITATION_VERIFICATION } from './citation-verification'
import { FINANCE } from './finance'
import { HEALTHCARE } from './healthcare'
import { PII_REDACTION } from './pii-redaction'
import { PROMPT_INJECTION } from './prompt-injection'
import { STARTER } from './starter'
import type { Template } from './template'
import { ZERO_DATA_RETENTION } from './zero-data-retention'

/** What `kt init --template` knows. */
export const TEMPLATES: readonly Template[] = [
  STARTER,
  PROMPT_INJECTION,
  PII_REDACTION,
  AGENT_FIREWALL,
  ZERO_DATA_RETENTION,
  FINANCE,
  HEALTHCARE,
  CITATION_VERIFICATION,
]
