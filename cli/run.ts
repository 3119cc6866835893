import { type Command, Option } from 'commander'
import type { ControlPlaneOptions, RunOptions } from '@/gateway/run-options'
import { AppError } from '@/lib/errors'
import { integer } from './arguments'
import { addCommand, type Kt } from './command'
import { DEFAULT_API_URL, parseApiUrl } from './connection'
import type { Io } from './io'

type GatewayOptions = {
  gatewayId?: string
  gatewayToken?: string
  apiToken?: string
  listen: string
  upstream?: string
  pollInterval?: number
  dataDir?: string
  durability?: 'strict' | 'relaxed'
  trustKey?: string
  workers?: number
}

const MANAGED_LISTEN = '0.0.0.0:8080'
const LOCAL_LISTEN = '0.0.0.0:41002'
const LOCAL_GATEWAY_ID = 'local'

/** `kt run --managed`: what to serve and for whom comes from the control plane. */
export function addRunCommand(io: Io, program: Command): void {
  addCommand<GatewayOptions & { managed?: boolean }>(io, program, {
    name: 'run',
    summary: 'Run a gateway that the control plane manages',
    setUp: (command) => addGatewayOptions(command.option('--managed', 'required'), MANAGED_LISTEN),
    run: async (kt, { managed, ...options }) => {
      if (!managed) {
        throw new AppError(
          'invalid_request',
          '`kt run` needs --managed. `kt gateway run --policy-config FILE` runs a gateway from a file.',
        )
      }
      const gatewayId = options.gatewayId ?? io.env.KEEPTRUSTS_GATEWAY_ID
      if (!gatewayId) {
        throw new AppError('invalid_request', 'Say which gateway this is: --gateway-id or KEEPTRUSTS_GATEWAY_ID.')
      }
      const controlPlane = controlPlaneOf(kt, options)
      if (!controlPlane) {
        throw new AppError(
          'invalid_request',
          `The gateway needs a token: --gateway-token or KEEPTRUSTS_GATEWAY_TOKEN. \`kt tokens create --type access --purpose gateway_runtime --gateway-id ${gatewayId} --name ${gatewayId}\` makes one.`,
        )
      }
      const { runManagedGateway } = await import('@/gateway/run')
      await runManagedGateway({ ...runOptions(io, gatewayId, options), ...controlPlane })
    },
  })
}

/** `kt gateway run`: what to serve comes from a file; keys and settings from a control plane when there is a token. */
export function addLocalRunCommand(io: Io, group: Command): void {
  addCommand<GatewayOptions & { policyConfig: string }>(io, group, {
    name: 'run',
    summary: 'Run a gateway from a policy-config.yaml',
    setUp: (command) =>
      addGatewayOptions(command.requiredOption('--policy-config <file>', 'policy-config.yaml'), LOCAL_LISTEN),
    run: async (kt, { policyConfig, ...options }) => {
      const gatewayId = options.gatewayId ?? (io.env.KEEPTRUSTS_GATEWAY_ID || LOCAL_GATEWAY_ID)
      const { runLocalGateway } = await import('@/gateway/run')
      await runLocalGateway({
        ...runOptions(io, gatewayId, options),
        policyConfigPath: policyConfig,
        controlPlane: controlPlaneOf(kt, options),
      })
    },
  })
}

function controlPlaneOf({ io, apiUrl }: Kt, options: GatewayOptions): ControlPlaneOptions | undefined {
  const token = options.gatewayToken ?? options.apiToken ?? io.env.KEEPTRUSTS_GATEWAY_TOKEN
  if (!token) return undefined
  const url = parseApiUrl(apiUrl ?? (io.env.KEEPTRUSTS_API_URL || DEFAULT_API_URL))
  return { apiUrl: url, token, trustKey: options.trustKey }
}

const runOptions = (io: Io, gatewayId: string, options: GatewayOptions): RunOptions => ({
  gatewayId,
  listen: options.listen,
  upstreamUrl: options.upstream ?? (io.env.KEEPTRUSTS_UPSTREAM_URL || undefined),
  pollIntervalSeconds: options.pollInterval,
  dataDirectory: options.dataDir,
  durability: options.durability,
  environment: io.env,
  workers: options.workers,
})

const addGatewayOptions = (command: Command, listen: string): Command =>
  command
    .option('--gateway-id <id>', 'what this gateway calls itself (KEEPTRUSTS_GATEWAY_ID)')
    .option(
      '--gateway-token <token>',
      'its access key (KEEPTRUSTS_GATEWAY_TOKEN, which others on this machine cannot see)',
    )
    .addOption(new Option('--api-token <token>', 'the same as --gateway-token').conflicts('gatewayToken'))
    .option('--listen <host:port>', 'where to listen', listen)
    .option('--upstream <url>', 'for debugging: every target is reached there (KEEPTRUSTS_UPSTREAM_URL)')
    .option('--poll-interval <seconds>', 'how often to ask the control plane (default 30)', integer(1, 3_600))
    .option('--data-dir <dir>', 'its own state (default gateway-ID under KEEPTRUSTS_DATA_DIR or .keeptrusts)')
    .addOption(
      new Option('--durability <mode>', 'strict: events are on disk before an answer ends').choices([
        'strict',
        'relaxed',
      ]),
    )
    .option('--workers <count>', 'processes that serve (default: one that does everything)', integer(1, 64))
    .option('--trust-key <fingerprint>', 'signing key to trust; the first one seen when absent')
