import { Installation } from './installation'
import { readSettings } from './settings'
import { StartError } from './start-error'

/** One Ctrl-C arrives twice: from the terminal, and from npm, which passes its own on. Only a later one means haste. */
const SAME_WISH_MS = 1_000

/** `npm start`: one owner of one data directory, its children, and the order in which they go. */
async function main(): Promise<void> {
  const installation = new Installation(readSettings(process.env, process.argv.slice(2)), {
    programs: import.meta.dirname,
    // A reader of our output that goes away must not take the database with it.
    say: (line) => process.stdout.write(`${line}\n`),
  })
  process.stdout.on('error', () => undefined)
  let askedAt: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (askedAt !== undefined && performance.now() - askedAt < SAME_WISH_MS) return
      if (askedAt !== undefined) return installation.abort()
      askedAt = performance.now()
      installation.stop().then(() => process.exit(0), fail)
    })
  }
  installation.failed.catch(async (error: unknown) => {
    await installation.stop()
    fail(error)
  })
  await installation.start()
}

/** The one exit for a failure: a sentence when it was foreseen, everything we know when it was not. */
function fail(error: unknown): never {
  console.error(error instanceof StartError ? `\n${error.message}` : error)
  process.exit(1)
}

await main().catch(fail)
