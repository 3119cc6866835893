import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ports that systems give out where a program leaves the choice to them: from 32768 on Linux, 49152 elsewhere. */
const FIRST = 20_000
const LAST = 32_000
const ATTEMPTS_MAX = 100

/**
 * A port of the loopback address that nobody listens on now. Nobody is given it by chance afterwards, as with one that the system
 * chose and that was let go again: only who asks for this very port can be there first.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = randomInt(FIRST, LAST)
    if (await canListen(port)) return port
  }
  throw new Error(`None of ${ATTEMPTS_MAX} ports between ${FIRST} and ${LAST} can be listened on.`)
}

const canListen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
