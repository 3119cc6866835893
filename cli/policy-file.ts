import type { Diagnostic } from '@/lib/contract/configurations'
import type { PolicyConfig } from '@/lib/policy/config/schema'
import { readYaml } from './configuration'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { printable } from './text'

/** A configuration without errors; else its findings are on stderr and the command ends with 2. */
export async function readConfiguration(io: Io, file: string): Promise<PolicyConfig> {
  const { lintPolicyConfig } = await import('@/lib/policy/config')
  const { config, diagnostics } = lintPolicyConfig(await readYaml(io, file))
  if (config) return config
  for (const line of refusal(file, diagnostics)) io.stderr.write(`${line}\n`)
  throw new Exit(EXIT.invalidInput)
}

/** Every finding on a line of its own, and how many of them are errors. */
export function refusal(file: string, diagnostics: Diagnostic[]): string[] {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  return [
    ...diagnostics.map((diagnostic) => lineOf(file, diagnostic)),
    `policy lint failed (${errors} error${errors === 1 ? '' : 's'})`,
  ]
}

/** Like compilers write it, so that editors and terminals can jump to it. */
export function lineOf(file: string, { line, column, severity, code, message, suggestion }: Diagnostic): string {
  const hint = suggestion ? ` Did you mean ${suggestion}?` : ''
  return printable(`${file}:${line}:${column}: ${severity} ${code} ${message}${hint}`)
}
