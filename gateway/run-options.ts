import { join } from 'node:path'
import type { Logger } from 'pino'
import { slug } from '@/lib/contract/fields'
import type { CompileEnvironment } from '@/lib/policy/compile'
import { parseApiUrl, parseListen, parseUpstream } from './listen-address'
import type { Durability } from './plane'
import { createLog } from './run-log'
import { GatewayStartError } from './start-error'

export type RunOptions = {
  /** `host:port`; port 0 takes any free one. */
  listen: string
  gatewayId: string
  /** `${KEEPTRUSTS_DATA_DIR:-.keeptrusts}/gateway-<id>` unless stated. */
  dataDirectory?: string
  durability?: Durability
  /** Where provider secrets come from; the process's own unless stated. */
  environment?: CompileEnvironment
  upstreamUrl?: string
  pollIntervalSeconds?: number
  /** While no push stream is open, where that is less. */
  pollWithoutPushSeconds?: number
  spoolBytesMax?: number
  /** Processes that serve; absent for one that does everything itself. */
  workers?: number
  log?: Logger
}

export type ControlPlaneOptions = {
  apiUrl: string
  token: string
  /** Fingerprint of the control plane's signing key: 32 or 64 hex digits. */
  trustKey?: string
}

export type ManagedRunOptions = RunOptions & ControlPlaneOptions
/** With `controlPlane`, keys and settings come from it and events go to it; the file still says what to run. */
export type LocalRunOptions = RunOptions & { policyConfigPath: string; controlPlane?: ControlPlaneOptions }

/** Where a gateway gets what it runs. */
export type Source = { controlPlane: ControlPlaneOptions | undefined; policyConfigPath?: string }

export type Settled = {
  gatewayId: string
  listen: { host: string; port: number }
  upstreamUrl: URL | undefined
  directory: string
  durability: Durability
  environment: CompileEnvironment
  pollIntervalSeconds: number
  pollWithoutPushSeconds: number
  spoolBytesMax: number
  /** Of requests under way, once it is told to stop. */
  drainMs: number
  controlPlane: ControlPlaneOptions | undefined
  policyConfigPath: string | undefined
  log: Logger
}

/** Where a gateway keeps what is its own, unless it is told. */
export const dataDirectoryOf = (gatewayId: string, environment: CompileEnvironment): string =>
  join(environment.KEEPTRUSTS_DATA_DIR || '.keeptrusts', `gateway-${gatewayId}`)

const SPOOL_BYTES_MAX = 1_073_741_824
/** With all else that a stop takes, less than the ten seconds after which others lose their patience. */
const DRAIN_SECONDS = 6
const DRAIN_SECONDS_MAX = 3_600

/**
 * Options with everything checked and every default filled in.
 *
 * @throws GatewayStartError `invalid_configuration`
 */
export function settleOptions(options: RunOptions, { controlPlane, policyConfigPath }: Source): Settled {
  const {
    gatewayId,
    environment = process.env,
    durability = 'strict',
    pollIntervalSeconds = 30,
    pollWithoutPushSeconds = 5,
  } = options
  if (!slug.safeParse(gatewayId).success) {
    throw new GatewayStartError(
      'invalid_configuration',
      `"${gatewayId}" is not a gateway id: use letters, digits, dots, dashes and underscores.`,
    )
  }
  return {
    gatewayId,
    listen: parseListen(options.listen),
    upstreamUrl: options.upstreamUrl ? parseUpstream(options.upstreamUrl) : undefined,
    directory: options.dataDirectory ?? dataDirectoryOf(gatewayId, environment),
    durability,
    environment,
    pollIntervalSeconds,
    pollWithoutPushSeconds,
    spoolBytesMax: options.spoolBytesMax ?? SPOOL_BYTES_MAX,
    drainMs: drainSecondsOf(environment) * 1_000,
    controlPlane: controlPlane && { ...controlPlane, apiUrl: parseApiUrl(controlPlane.apiUrl) },
    policyConfigPath,
    log: options.log ?? createLog(gatewayId),
  }
}

function drainSecondsOf({ KEEPTRUSTS_DRAIN_SECONDS: given }: CompileEnvironment): number {
  if (given === undefined || given === '') return DRAIN_SECONDS
  if (/^\d{1,4}$/.test(given) && Number(given) <= DRAIN_SECONDS_MAX) return Number(given)
  throw new GatewayStartError(
    'invalid_configuration',
    `KEEPTRUSTS_DRAIN_SECONDS must be a whole number of seconds from 0 to ${DRAIN_SECONDS_MAX}.`,
  )
}
