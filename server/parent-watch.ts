/**
 * Loaded into the children of `npm start` before their own code: a child whose parent is gone, however it went, stops
 * by itself. The pipe to the parent is what tells; it closes with the parent even after kill -9.
 */
const HARD_STOP_MS = 10_000

if (process.channel) {
  process.channel.unref()
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), HARD_STOP_MS).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  process.channel.unref()
  // Its output went to the parent as well.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}
