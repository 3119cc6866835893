import { type Command, Option } from 'commander'
import type { Client } from '@/lib/client'
import { openAuthenticated } from './connection'
import type { Io } from './io'
import { createPrinter, OUTPUT_FORMATS, type OutputFormat, type Printer } from './print'

/** What every command takes. */
type CommonOptions = { apiUrl?: string; output?: OutputFormat; json?: boolean }

/** What a command gets to work with. */
export type Kt = {
  io: Io
  apiUrl: string | undefined
  print: Printer
  /** Whether a format was asked for, rather than taken by default. */
  hasFormat: boolean
  /** The control plane, as the caller. Opened at first use: some commands need none. */
  api: () => Promise<Client>
}

export function addCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--api-url <url>', 'control plane (KEEPTRUSTS_API_URL, default http://localhost:3000)').helpGroup(
        'Common:',
      ),
    )
    .addOption(new Option('--output <format>', 'how to answer').choices(OUTPUT_FORMATS).helpGroup('Common:'))
    .addOption(new Option('--json', 'the same as --output json').helpGroup('Common:'))
}

/** Adds a command under a group and binds what it does. `args` are its positional arguments, in order. */
export function addCommand<O extends object>(
  io: Io,
  parent: Command,
  {
    name,
    summary,
    setUp,
    run,
  }: {
    name: string
    summary: string
    setUp?: (command: Command) => Command
    run: (kt: Kt, options: O, args: (string | undefined)[]) => Promise<void>
  },
): Command {
  const command = parent.command(name).description(summary)
  setUp?.(command)
  return addCommonOptions(command).action(async function (this: Command) {
    // The nearest one wins: `kt --output yaml tokens list --output json` answers JSON.
    const options = { ...rootOf(this).opts<CommonOptions>(), ...this.opts<O & CommonOptions>() }
    await run(openKt(io, options), options, this.args)
  })
}

function openKt(io: Io, { apiUrl, output, json }: CommonOptions): Kt {
  let opened: Promise<Client> | undefined
  return {
    io,
    apiUrl,
    print: createPrinter(io, output ?? (json ? 'json' : 'table')),
    hasFormat: output !== undefined || json === true,
    api: () => {
      opened ??= openAuthenticated(io, apiUrl).then(({ client }) => client)
      return opened
    },
  }
}

const rootOf = (command: Command): Command => (command.parent ? rootOf(command.parent) : command)
