import type { Command } from 'commander'
import { AppError } from '@/lib/errors'
import { addCommand } from './command'
import type { Io } from './io'

/** `kt gateway restart`: the processes that serve are exchanged, on the machine of the gateway. */
export function addRestartCommand(io: Io, group: Command): void {
  addCommand<{ gatewayId?: string; dataDir?: string }>(io, group, {
    name: 'restart',
    summary: 'Exchange the workers of a gateway on this machine, without a refused connection',
    setUp: (command) =>
      command
        .option('--gateway-id <id>', 'what the gateway calls itself (KEEPTRUSTS_GATEWAY_ID)')
        .option('--data-dir <dir>', 'its own state (default gateway-ID under KEEPTRUSTS_DATA_DIR or .keeptrusts)'),
    run: async ({ print }, { gatewayId, dataDir }) => {
      const id = gatewayId ?? (io.env.KEEPTRUSTS_GATEWAY_ID || 'local')
      const [{ holderOfDirectory }, { dataDirectoryOf }] = await Promise.all([
        import('@/gateway/data-directory'),
        import('@/gateway/run-options'),
      ])
      const directory = dataDir ?? dataDirectoryOf(id, io.env)
      const holder = await holderOfDirectory(directory)
      if (holder === null) throw new AppError('not_found', `No gateway runs on ${directory}.`)
      if (!holder.isRestartable) {
        throw new AppError(
          'conflict',
          `The gateway on ${directory} (process ${holder.pid}) was not started with --workers: it is one process, which only a stop and a start can exchange.`,
        )
      }
      process.kill(holder.pid, 'SIGUSR2')
      const text = `Process ${holder.pid} starts new workers; its log says when they have taken over.`
      print.record({ pid: holder.pid, directory }, [text])
    },
  })
}
