import { ask, SCHEMA_LINE, type Template } from './template'

export const HEALTHCARE: Template = {
  name: 'healthcare',
  summary: 'Redacts identifiers of patients and adds what answers about health must say.',
  yaml: `${SCHEMA_LINE}pack:
  name: healthcare
  version: 0.1.0
  enabled: true
  description: Redacts identifiers of patients and adds what answers about health must say.

policies:
  chain:
    - prompt-injection
    - hipaa-phi-detector
    - healthcare-compliance
    - audit-logger

policy:
  hipaa-phi-detector:
    mode: hipaa_18
    action: redact
  healthcare-compliance:
    required_disclaimers:
      - This does not replace a doctor.
  audit-logger:
    hipaa_audit_controls: true

providers:
  targets:
    - id: openai
      provider: openai
      secret_key_ref:
        env: OPENAI_API_KEY
      data_policy:
        training_opt_out: true
`,
  tests: [
    {
      name: 'allows_normal_request',
      input: ask('What does blood pressure measure?'),
      expected: { verdict: 'allow' },
    },
    {
      name: 'redacts_identifiers',
      input: ask('Patient MRN: 12345678, SSN 536-22-8726, has a fever.'),
      expected: { verdict: 'redact', excludes: ['536-22-8726'] },
    },
    {
      name: 'adds_disclaimer',
      input: { ...ask('What helps against a cold?'), upstream_response: 'Rest and tea.' },
      expected: { verdict: 'allow', contains: ['This does not replace a doctor.'] },
    },
  ],
}
