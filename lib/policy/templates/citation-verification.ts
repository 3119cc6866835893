import { ask, SCHEMA_LINE, type Template } from './template'

export const CITATION_VERIFICATION: Template = {
  name: 'citation-verification',
  summary: 'Answers must name sources, and the sources must be among those that were given.',
  yaml: `${SCHEMA_LINE}pack:
  name: citation-verification
  version: 0.1.0
  enabled: true
  description: Answers must name sources, and the sources must be among those that were given.

policies:
  chain:
    - citation-verifier

policy:
  citation-verifier:
    require_sources: true
    require_source_match: true
    output_action:
      unverified_action: block
      hallucination_action: block

providers:
  targets:
    - id: openai
      provider: openai
      secret_key_ref:
        env: OPENAI_API_KEY
`,
  tests: [
    {
      name: 'allows_answer_from_given_source',
      input: {
        messages: [
          { role: 'system', content: 'Source: https://example.com/handbook says that leave is 30 days.' },
          { role: 'user', content: 'How long is leave?' },
        ],
        upstream_response: 'Leave is 30 days (https://example.com/handbook).',
      },
      expected: { verdict: 'allow' },
    },
    {
      name: 'blocks_answer_without_source',
      input: {
        ...ask('How long is leave?'),
        upstream_response: 'Leave is surely 45 days for everybody in the company.',
      },
      expected: { verdict: 'block', policy: 'citation-verifier' },
    },
  ],
}
