export const STARTER_VERSION = '0.1.0'

/**
 * The configuration of a fresh installation. With `OPENAI_API_KEY` its requests go to OpenAI and the sandbox answers
 * only who asks for it by name; without, the sandbox answers everything, so that nothing needs an account.
 */
export const starterConfiguration = (
  env: NodeJS.ProcessEnv,
): string => `# yaml-language-server: $schema=http://localhost:3000/schema/policy-config.json
# What the first start made. Save a new version in the console, then roll it out.
pack:
  name: starter
  version: ${STARTER_VERSION}
  enabled: true

# Policies decide in this order; the first block wins.
policies:
  chain:
    - prompt-injection
    - pii-detector
    - dlp-filter

policy:
  pii-detector:
    action: redact

providers:
  targets:
${env.OPENAI_API_KEY ? OPENAI : ''}    - id: sandbox
      provider: sandbox
      models: ${env.OPENAI_API_KEY ? '[sandbox]' : '[gpt-5.4-mini, gpt-4o, gpt-4o-mini, sandbox-slow, "*"]'}

gateway:
  # Requests without a key are served from this machine only, and recorded as anonymous.
  anonymous: loopback
`

const OPENAI = `    - id: openai
      provider: openai
      secret_key_ref:
        env: OPENAI_API_KEY
`
