import { AppError } from '@/lib/errors'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { readYaml } from './configuration'
import { type Check, fail, ok, warn } from './doctor-check'
import type { Io } from './io'
import { statOrAbsent } from './stat-or-absent'

const DEFAULT_FILE = 'policy-config.yaml'

/** The policy-config.yaml of this directory, or the one that was named: whether it is valid and what it still lacks here. */
export async function checkConfiguration(io: Io, named: string | undefined): Promise<Check[]> {
  const file = named ?? DEFAULT_FILE
  const name = 'configuration'
  // What cannot be looked at is named below, where it is read.
  const isThere = named !== undefined || (await statOrAbsent(file).catch(() => true))
  if (!isThere) {
    return [ok(name, `no ${DEFAULT_FILE} in this directory; \`kt init\` writes one`)]
  }
  const yaml = await readYaml(io, file).catch((thrown: unknown) => {
    if (thrown instanceof AppError) return thrown
    throw thrown
  })
  if (yaml instanceof AppError) return [fail(name, yaml.message, 'Check --file.')]
  const { config, diagnostics } = lintPolicyConfig(yaml)
  const [first] = diagnostics.filter(({ severity }) => severity === (config ? 'warning' : 'error'))
  const look = `\`kt policy lint --file ${file}\` shows every finding.`
  const where = first ? `${file}:${first.line}: ${first.code} ${first.message}` : ''
  if (!config) return [fail(name, where, look)]
  const { pack, targets, kinds, redis } = compileConfig(config, io.env)
  const summary = `${file} is valid: ${pack.name} ${pack.version}, ${kinds.length} policies, ${targets.length} targets`
  const checks = [first ? warn(name, where, look) : ok(name, summary)]
  for (const { id, unavailable } of targets) {
    if (unavailable === null) continue
    checks.push(warn(`target ${id}`, unavailable, 'Set it where the gateway runs, or take the target out.'))
  }
  if (redis?.unavailable) checks.push(warn('redis', redis.unavailable, 'Set it where the gateway runs.'))
  return checks
}
