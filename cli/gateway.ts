import { type Command, Option } from 'commander'
import { type Gateway, gateways } from '@/lib/contract/gateways'
import { integer } from './arguments'
import { addCommand } from './command'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'
import { addRestartCommand } from './restart-gateway'
import { addLocalRunCommand } from './run'
import { cellTime, toSeconds } from './text'

const COLUMNS: Column<Gateway>[] = [
  { header: 'ID', cell: (gateway) => gateway.id },
  { header: 'STATUS', cell: (gateway) => gateway.status },
  { header: 'CONFIGURATION', cell: (gateway) => gateway.configuration_name ?? '-' },
  { header: 'RUNNING', cell: (gateway) => gateway.running_version ?? '-' },
  { header: 'DESIRED', cell: (gateway) => gateway.desired_version ?? '-' },
  { header: 'LAST SEEN', cell: (gateway) => cellTime(gateway.last_seen_at, 'never') },
]

export function addGatewayGroup(io: Io, program: Command): void {
  const group = program.command('gateway').description('Gateways: run one, register it, see how they are')
  addLocalRunCommand(io, group)
  addRestartCommand(io, group)

  addCommand<{ limit: number }>(io, group, {
    name: 'list',
    summary: 'List gateways with what they run and how they are',
    setUp: (command) => command.option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), ROWS_MAX),
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(gateways.list, position))
      print.list(page, COLUMNS, 'No gateways are registered. `kt gateway register ID` registers one.')
    },
  })

  addCommand(io, group, {
    name: 'inspect',
    summary: 'Show one gateway',
    setUp: (command) => command.argument('<id>', 'id of the gateway'),
    run: async ({ api, print }, _options, [id = '']) => {
      const call = await api()
      const gateway = await call(gateways.get, { id })
      print.record(gateway, lines(gateway))
    },
  })

  addCommand<{ name?: string; configurationId?: string }>(io, group, {
    name: 'register',
    summary: 'Register a gateway',
    setUp: (command) =>
      command
        .argument('<id>', 'what the gateway will call itself with --gateway-id')
        .option('--name <name>', 'what people call it')
        .addOption(new Option('--configuration-id <id>', 'the configuration it will run')),
    run: async ({ api, print }, { name, configurationId }, [id = '']) => {
      const call = await api()
      const gateway = await call(gateways.register, { id, name, configuration_id: configurationId })
      print.record(gateway, [
        `Gateway registered: ${gateway.id}`,
        `Create its key: kt tokens create --type access --purpose gateway_runtime --gateway-id ${gateway.id} --name ${gateway.id}`,
      ])
    },
  })
}

const lines = (gateway: Gateway) => [
  `Id: ${gateway.id}`,
  `Name: ${gateway.name}`,
  `Status: ${gateway.status}`,
  `Last seen: ${gateway.last_seen_at ? toSeconds(gateway.last_seen_at) : 'never'}`,
  `Configuration: ${gateway.configuration_name ?? 'none'}`,
  `Running version: ${gateway.running_version ?? 'none'}${gateway.config_source === 'cached' ? ' (from its disk)' : ''}`,
  `Desired version: ${gateway.desired_version ?? 'none'}`,
  `Software: ${gateway.software_version ?? 'unknown'}`,
  `Requests: ${gateway.requests_processed}`,
  `Events waiting: ${gateway.spool_depth} (${gateway.spool_bytes} bytes)`,
  `Push stream: ${gateway.stream_connected ? 'connected' : 'not connected'}`,
  `Clock: ${gateway.clock_offset_ms === null ? 'unknown' : `${gateway.clock_offset_ms} ms against the control plane`}`,
  `Models: ${gateway.models.join(', ') || 'none'}`,
  `Providers: ${gateway.providers.join(', ') || 'none'}`,
  ...(gateway.last_error
    ? [`Last error: ${gateway.last_error.code}: ${gateway.last_error.message} (${toSeconds(gateway.last_error.at)})`]
    : []),
]
