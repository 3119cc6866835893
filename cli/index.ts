import { processIo } from './io'
import { runCli } from './program'

for (const stream of [process.stdout, process.stderr]) {
  // `kt events tail | head -1`: the reader has what it wanted, so there is nobody left to tell.
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
}

process.exitCode = await runCli(process.argv.slice(2), processIo())
