/** What the gateway is told to run. */
export type ChainName = 'empty' | 'starter' | 'heavy' | 'masking'

const STARTER = ['prompt-injection', 'pii-detector', 'dlp-filter']

const CHAINS: Record<ChainName, readonly string[]> = {
  empty: [],
  // as server/starter-configuration.ts
  starter: STARTER,
  heavy: [
    ...STARTER,
    'safety-filter',
    'hipaa-phi-detector',
    'language-validator',
    'legal-privilege',
    'case-privacy',
    'student-privacy',
    'itar-ear-filter',
    'dual-use-filter',
    'mnpi-filter',
  ],
  masking: ['pii-detector'],
}

/** Of kinds that need some, or whose own would refuse instead of masking. */
const SETTINGS: Record<string, string> = {
  'pii-detector': '  pii-detector:\n    action: redact\n',
  'language-validator': '  language-validator:\n    allowed_languages: [en]\n',
}

export const policyConfig = (chain: ChainName, upstream: string): string => {
  const kinds = CHAINS[chain]
  const settings = kinds.map((kind) => SETTINGS[kind] ?? '').join('')
  return `pack:
  name: bench
  version: 0.1.0
  enabled: true
policies:
  chain: ${JSON.stringify(kinds)}
${settings ? `policy:\n${settings}` : ''}providers:
  targets:
    - id: upstream
      provider: openai
      base_url: ${upstream}/v1
      allow_private_network: true
      models: ["*"]
      secret_key_ref:
        env: BENCH_UPSTREAM_KEY
`
}
