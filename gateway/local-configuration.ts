import { readFile } from 'node:fs/promises'
import { type CompileEnvironment, compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { loadPolicies } from '@/lib/policy/load-policies'
import { probe } from './bundle'
import { announceConfiguration, type RunLog, withUpstream } from './running-configuration'
import type { Snapshot } from './snapshot'
import { GatewayStartError } from './start-error'

type LocalOptions = { environment: CompileEnvironment; upstreamUrl: URL | undefined; log: RunLog }

/**
 * A policy-config.yaml from disk, ready to serve.
 *
 * @throws GatewayStartError `invalid_configuration` with every error and its line
 */
export async function loadLocalConfiguration(
  path: string,
  { environment, upstreamUrl, log }: LocalOptions,
): Promise<NonNullable<Snapshot['config']>> {
  const yaml = await readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new GatewayStartError('invalid_configuration', `Cannot read ${path}: ${reason}.`, { cause })
  })
  const { config, diagnostics } = lintPolicyConfig(yaml)
  const lines = diagnostics.map(
    ({ severity, code, line, column, message, suggestion }) =>
      `${path}:${line}:${column} ${severity} ${code} ${message}${suggestion ? ` Did you mean "${suggestion}"?` : ''}`,
  )
  if (!config) throw new GatewayStartError('invalid_configuration', lines.join('\n'))
  for (const line of lines) log.warn({}, line)
  const plain = compileConfig(config, environment, { clock: () => performance.now() })
  await loadPolicies(plain)
  const compiled = upstreamUrl ? withUpstream(plain, upstreamUrl) : plain
  if (upstreamUrl)
    log.warn({ upstream: upstreamUrl.origin }, 'DEBUG OVERRIDE: requests and provider secrets go to --upstream')
  probe(compiled)
  announceConfiguration(log, compiled, { running_version: config.pack.version, source: 'file' })
  const { name, version, id } = config.pack
  return { compiled, id: id ?? null, name, version, generation: 0, source: 'file', yaml }
}
