import { ask, SCHEMA_LINE, type Template } from './template'

export const ZERO_DATA_RETENTION: Template = {
  name: 'zero-data-retention',
  summary: 'Sends requests only to providers that keep nothing and do not train on them.',
  yaml: `${SCHEMA_LINE}pack:
  name: zero-data-retention
  version: 0.1.0
  enabled: true
  description: Sends requests only to providers that keep nothing and do not train on them.

policies:
  chain:
    - data-routing-policy
    - pii-detector

policy:
  data-routing-policy:
    require_zero_data_retention: true
    require_no_training: true
    max_retention_days: 0
  pii-detector:
    action: redact

providers:
  # State here only what your contract with the provider says.
  targets:
    - id: anthropic-zdr
      provider: anthropic
      secret_key_ref:
        env: ANTHROPIC_API_KEY
      data_policy:
        zero_data_retention: true
        training_opt_out: true
        retention_days: 0
    - id: openai
      provider: openai
      secret_key_ref:
        env: OPENAI_API_KEY
      data_policy:
        training_opt_out: true
        retention_days: 30
  routing:
    strategy: ordered
  fallback:
    triggers: [rate_limit, server_error, timeout]
    max_fallback_attempts: 3
`,
  tests: [
    {
      name: 'allows_where_nothing_is_kept',
      input: ask('Draft a reply to this customer.'),
      expected: { verdict: 'allow' },
    },
    {
      name: 'redacts_pii',
      input: ask('Draft a reply to jane.doe@example.com.'),
      expected: { verdict: 'redact', reason_code: 'pii.detected', excludes: ['jane.doe@example.com'] },
    },
  ],
}
