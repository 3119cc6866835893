import { ask, SCHEMA_LINE, type Template } from './template'

export const PII_REDACTION: Template = {
  name: 'pii-redaction',
  summary: 'Replaces personal data by labels, on the way in and on the way out.',
  yaml: `${SCHEMA_LINE}pack:
  name: pii-redaction
  version: 0.1.0
  enabled: true
  description: Replaces personal data by labels, on the way in and on the way out.

policies:
  chain:
    - pii-detector

policy:
  pii-detector:
    action: redact
    pci_mode: true
    redaction:
      marker_format: label

providers:
  targets:
    - id: openai
      provider: openai
      secret_key_ref:
        env: OPENAI_API_KEY
`,
  tests: [
    {
      name: 'allows_normal_request',
      input: ask('Order 4111 has 12 items and ships on 2026-03-01.'),
      expected: { verdict: 'allow' },
    },
    {
      name: 'redacts_pii',
      input: ask('Write to jane.doe@example.com; her card is 4111 1111 1111 1111.'),
      expected: {
        verdict: 'redact',
        reason_code: 'pii.detected',
        excludes: ['jane.doe@example.com', '4111 1111 1111 1111'],
      },
    },
    {
      name: 'redacts_answers',
      input: { ...ask('Who answers for this?'), upstream_response: 'Ask jane.doe@example.com.' },
      expected: { verdict: 'redact', reason_code: 'pii.detected', excludes: ['jane.doe@example.com'] },
    },
  ],
}
