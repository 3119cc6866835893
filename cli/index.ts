import { processIo } from './io'
import { runCli } from './program'

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    // `kt events tail | head -1`: the reader has what it wanted, so there is nobody left to tell.
    if (code === 'EPIPE') process.exit(0)
    if (stream === process.stdout) process.stderr.write(`kt: The answer could not be written: ${code}.\n`)
    process.exit(1)
  })
}

process.exitCode = await runCli(process.argv.slice(2), processIo())
