import { ask, SCHEMA_LINE, type Template } from './template'

export const FINANCE: Template = {
  name: 'finance',
  summary: 'Cards and inside information stay in; promises of returns do not get out.',
  yaml: `${SCHEMA_LINE}pack:
  name: finance
  version: 0.1.0
  enabled: true
  description: Cards and inside information stay in; promises of returns do not get out.

policies:
  chain:
    - prompt-injection
    - pii-detector
    - mnpi-filter
    - financial-compliance
    - audit-logger

policy:
  pii-detector:
    action: redact
    pci_mode: true
  mnpi-filter:
    action: block
    detect_patterns:
      - project\\s+falcon
  financial-compliance:
    required_disclaimers:
      - This is not financial advice.
  audit-logger:
    retention_days: 2555

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
      input: ask('What is compound interest?'),
      expected: { verdict: 'allow' },
    },
    {
      name: 'redacts_cards',
      input: ask('The card 4111 1111 1111 1111 was declined.'),
      expected: { verdict: 'redact', reason_code: 'pii.detected', excludes: ['4111 1111 1111 1111'] },
    },
    {
      name: 'blocks_inside_information',
      input: ask('Summarise what we know about Project Falcon.'),
      expected: { verdict: 'block', policy: 'mnpi-filter' },
    },
    {
      name: 'blocks_promises_of_returns',
      input: {
        ...ask('Should I buy this fund?'),
        upstream_response: 'Yes: guaranteed returns of 20% a year, risk-free.',
      },
      expected: { verdict: 'block', policy: 'financial-compliance' },
    },
    {
      name: 'adds_disclaimer',
      input: { ...ask('What is an index fund?'), upstream_response: 'A fund that follows an index.' },
      expected: { verdict: 'allow', contains: ['This is not financial advice.'] },
    },
  ],
}
