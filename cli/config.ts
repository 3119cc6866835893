import type { Command } from 'commander'
import {
  type Configuration,
  type ConfigurationVersion,
  configurations,
  type Diagnostic,
} from '@/lib/contract/configurations'
import { commaList, integer } from './arguments'
import { addCommand, type Kt } from './command'
import { findConfiguration, readYaml } from './configuration'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'
import { cellTime, printable, printableLines } from './text'

const COLUMNS: Column<Configuration>[] = [
  { header: 'NAME', cell: (configuration) => configuration.name },
  { header: 'LATEST', cell: (configuration) => configuration.latest_version },
  { header: 'UPDATED', cell: (configuration) => cellTime(configuration.updated_at, '-') },
  {
    header: 'RUNNING',
    cell: ({ gateways }) => gateways.map((one) => `${one.gateway_id}=${one.running_version ?? '-'}`).join(',') || '-',
  },
  { header: 'ID', cell: (configuration) => configuration.id },
]

const VERSION_COLUMNS: Column<ConfigurationVersion>[] = [
  { header: 'VERSION', cell: (version) => version.version },
  { header: 'CREATED', cell: (version) => cellTime(version.created_at, '-') },
  { header: 'BY', cell: (version) => version.created_by.name },
  { header: 'RUNNING ON', cell: (version) => version.running_on.join(',') || '-' },
  { header: 'SHA256', cell: (version) => version.sha256.slice(0, 12) },
  { header: 'NOTE', cell: (version) => version.note ?? '' },
]

export function addConfigGroup(io: Io, program: Command): void {
  const group = program.command('config').description('Configurations: policy-config.yaml and its versions')
  addReads(io, group)
  addWrites(io, group)
  addCommand(io, group, {
    name: 'lint',
    summary: 'Check a policy-config.yaml without saving it (exit code 2 when it is not valid)',
    setUp: (command) => command.argument('<file>', 'policy-config.yaml, or - for standard input'),
    run: lint,
  })
}

function addReads(io: Io, group: Command): void {
  addCommand<{ limit: number }>(io, group, {
    name: 'list',
    summary: 'List configurations and where they run',
    setUp: addLimit,
    run: async ({ api, print }, { limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(configurations.list, position))
      print.list(page, COLUMNS, 'There are no configurations.')
    },
  })

  addCommand<{ version?: string }>(io, group, {
    name: 'get',
    summary: 'Print the YAML of a version, the newest unless stated',
    setUp: (command) => addWhich(command).option('--version <version>', 'such as 0.3.0'),
    run: async ({ api, print, io: { stdout } }, { version }, [which = '']) => {
      const call = await api()
      const { id, latest_version } = await findConfiguration(call, which)
      const found = await call(configurations.getVersion, { id, version: version ?? latest_version })
      if (print.format !== 'table') return print.data(found)
      // Byte for byte into files and pipes, harmless on a screen.
      stdout.write(stdout.isTTY ? printableLines(found.yaml) : found.yaml)
    },
  })

  addCommand<{ limit: number }>(io, group, {
    name: 'versions',
    summary: 'List the versions of a configuration, newest first',
    setUp: (command) => addLimit(addWhich(command)),
    run: async ({ api, print }, { limit }, [which = '']) => {
      const call = await api()
      const { id } = await findConfiguration(call, which)
      const page = await collectPages(limit, (position) => call(configurations.listVersions, { id, ...position }))
      print.list(page, VERSION_COLUMNS, 'There are no versions.')
    },
  })
}

function addWrites(io: Io, group: Command): void {
  addCommand<{ name: string; file: string; note?: string }>(io, group, {
    name: 'create',
    summary: 'Create a configuration with its first version, which pack.version names',
    setUp: (command) => addFile(command.requiredOption('--name <name>', 'what people call it')),
    run: async ({ api, print }, { name, file, note }) => {
      const yaml = await readYaml(io, file)
      const call = await api()
      const created = await call(configurations.create, { name, yaml, note })
      print.record(created, [`Configuration created: ${created.name} ${created.latest_version} (${created.id})`])
    },
  })

  addCommand<{ file: string; note?: string; expectedLatestVersion?: string }>(io, group, {
    name: 'save',
    summary: 'Save a new version, which pack.version names; it can never be changed',
    setUp: (command) =>
      addFile(addWhich(command)).option(
        '--expected-latest-version <version>',
        'refuse when somebody saved another one since',
      ),
    run: async ({ api, print }, { file, note, expectedLatestVersion }, [which = '']) => {
      const yaml = await readYaml(io, file)
      const call = await api()
      const { id, name } = await findConfiguration(call, which)
      const saved = await call(configurations.createVersion, {
        id,
        yaml,
        note,
        expected_latest_version: expectedLatestVersion,
      })
      print.record(saved, [`Version saved: ${name} ${saved.version} (sha256 ${saved.sha256.slice(0, 12)})`])
    },
  })

  addCommand<{ gatewayIds: string[] }>(io, group, {
    name: 'assign',
    summary: 'Say which configuration gateways run; `kt rollout` then chooses the version',
    setUp: (command) => addWhich(command).requiredOption('--gateway-ids <list>', 'separated by commas', commaList),
    run: async ({ api, print }, { gatewayIds }, [which = '']) => {
      const call = await api()
      const { id } = await findConfiguration(call, which)
      const assigned = await call(configurations.assign, { id, gateway_ids: gatewayIds })
      print.record(assigned, [`${assigned.name} is assigned to ${gatewayIds.join(', ')}.`])
    },
  })
}

/** The rules of the control plane and the gateway, run here: it needs neither. */
async function lint({ io, print }: Kt, _options: object, [file = '']: (string | undefined)[]): Promise<void> {
  const { lintPolicyConfig } = await import('@/lib/policy/config')
  const { diagnostics } = lintPolicyConfig(await readYaml(io, file))
  const valid = diagnostics.every(({ severity }) => severity !== 'error')
  if (print.format !== 'table') print.data({ valid, diagnostics })
  else {
    for (const diagnostic of diagnostics) print.line(diagnosticLine(file, diagnostic))
    if (valid) print.line(`${printable(file)} is valid.`)
  }
  if (!valid) throw new Exit(EXIT.invalidInput)
}

/** The form that editors and CI systems make clickable. */
const diagnosticLine = (file: string, { line, column, severity, code, message, suggestion }: Diagnostic) =>
  printable(
    `${file}:${line}:${column}: ${severity} ${code}: ${message}${suggestion ? ` Did you mean "${suggestion}"?` : ''}`,
  )

const addWhich = (command: Command) => command.argument('<configuration>', 'name or id')

const addLimit = (command: Command) =>
  command.option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), ROWS_MAX)

const addFile = (command: Command) =>
  command
    .requiredOption('--file <path>', 'policy-config.yaml, or - for standard input')
    .option('--note <text>', 'why this version exists')
