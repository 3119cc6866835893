import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { Client } from '@/lib/client'
import { configurations } from '@/lib/contract/configurations'
import { type Gateway, gateways } from '@/lib/contract/gateways'
import { AppError } from '@/lib/errors'
import { commaList, duration } from './arguments'
import { addCommand, type Kt } from './command'
import { findConfiguration } from './configuration'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import type { Column } from './print'

type RolloutOptions = { gatewayIds: string[]; version: string; config?: string; wait: boolean; timeout: number }

const TIMEOUT_MS = 60_000
const POLL_MS = 1_000

type Row = {
  gateway_id: string
  previous_version: string | null
  running_version: string | null
  state: string
  detail: string
}

const COLUMNS: Column<Row>[] = [
  { header: 'GATEWAY', cell: (row) => row.gateway_id },
  { header: 'PREVIOUS', cell: (row) => row.previous_version ?? '-' },
  { header: 'RUNNING', cell: (row) => row.running_version ?? '-' },
  { header: 'STATE', cell: (row) => row.state },
  { header: 'DETAIL', cell: (row) => row.detail },
]

export function addRolloutCommand(io: Io, program: Command): void {
  addCommand<RolloutOptions>(io, program, {
    name: 'rollout',
    summary: 'Roll a version out to gateways and wait until they run it',
    setUp: (command) =>
      command
        .requiredOption('--gateway-ids <list>', 'separated by commas', commaList)
        .requiredOption('--version <version>', 'such as 0.3.0')
        .option('--config <name>', 'name or id; needed for a gateway that has no configuration assigned')
        .addOption(new Option('--no-wait', 'do not wait for the gateways'))
        .addOption(
          new Option('--timeout <duration>', 'how long to wait').argParser(duration).default(TIMEOUT_MS, '60s'),
        ),
    run: rollOut,
  })
}

async function rollOut(
  { api, io, print }: Kt,
  { gatewayIds, version, config, wait, timeout }: RolloutOptions,
): Promise<void> {
  const call = await api()
  const configurationId = config ? (await findConfiguration(call, config)).id : undefined
  const started = await call(configurations.rollout, {
    gateway_ids: gatewayIds,
    version,
    configuration_id: configurationId,
  })

  const deadline = Date.now() + (wait ? timeout : 0)
  let rows: Row[]
  for (;;) {
    const seen = await Promise.all(started.items.map(({ gateway_id }) => readGateway(call, gateway_id)))
    rows = started.items.map((item, i) => toRow(item, seen[i]))
    if (rows.every(({ state }) => state === 'running') || Date.now() >= deadline) break
    await sleep(Math.min(POLL_MS, deadline - Date.now()))
  }

  if (print.format === 'table') print.list({ items: rows, next_cursor: null }, COLUMNS, 'No gateways.')
  else print.data({ rollout_id: started.rollout_id, version: started.version, items: rows })
  if (!wait || rows.every(({ state }) => state === 'running')) return

  const late = rows.filter(({ state }) => state !== 'running').map(({ gateway_id }) => gateway_id)
  io.stderr.write(
    `kt: ${late.join(', ')} did not report ${started.version} within ${timeout / 1_000} s.\n` +
      `  \`kt gateway inspect ${late[0]}\` says how it is; the rollout stays in force.\n`,
  )
  throw new Exit(EXIT.failed)
}

/** A gateway that may not be read is shown as waiting rather than failing a rollout that has already happened. */
async function readGateway(call: Client, id: string): Promise<Gateway | undefined> {
  return call(gateways.get, { id }).catch((thrown: unknown) => {
    if (thrown instanceof AppError && (thrown.status === 403 || thrown.status >= 500)) return undefined
    throw thrown
  })
}

function toRow(
  {
    gateway_id,
    generation,
    previous_version,
  }: { gateway_id: string; generation: number; previous_version: string | null },
  gateway: Gateway | undefined,
): Row {
  const base = { gateway_id, previous_version, running_version: gateway?.running_version ?? null }
  if (!gateway) return { ...base, state: 'waiting', detail: 'its state cannot be read' }
  if (gateway.running_generation >= generation) return { ...base, state: 'running', detail: '' }
  const { status } = gateway
  // What it says about an older rollout is no news about this one.
  const last_error = gateway.last_error?.generation === generation ? gateway.last_error : null
  return { ...base, state: 'waiting', detail: last_error ? `${last_error.code}: ${last_error.message}` : status }
}
