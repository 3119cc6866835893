/** What a new configuration begins with: valid as it is, and answering without any provider account. */
export const starterYaml = (name: string) => `pack:
  name: ${JSON.stringify(name)}
  version: 0.1.0
  enabled: true

# Policies decide in this order; the first block wins.
policies:
  chain:
    - prompt-injection
    - pii-detector

# The first target that is available and serves the model answers.
providers:
  targets:
    - id: sandbox
      provider: sandbox
      models: ["*"]
`

const PACK_VERSION = /^(pack:\s*(?:#.*)?\n(?:[ \t]+.*\n|\n)*?[ \t]+version:[ \t]*["']?)(\d+\.\d+\.)(\d+)([^\s"'#]*)/m

/**
 * The text with `pack.version` raised to the next patch version, everything else as it was; null when it states none.
 */
export function withNextVersion(yaml: string): string | null {
  if (!PACK_VERSION.test(yaml)) return null
  return yaml.replace(
    PACK_VERSION,
    (_, head: string, minor: string, patch: string) => `${head}${minor}${Number(patch) + 1}`,
  )
}
