import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { StartError } from './start-error'

export type PortWish = { name: string; variable: string; port: number; host?: string }

/**
 * Makes sure that a port can be listened on.
 *
 * @param patienceMs how long to wait for processes of an earlier start to let it go
 * @throws StartError naming the port and the variable that changes it
 */
export async function assertPortFree({ name, variable, port, host }: PortWish, patienceMs = 0): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const code = await tryListen(port, host)
    if (code === undefined) return
    if (code === 'EADDRINUSE' && Date.now() < deadline) {
      await delay(100)
      continue
    }
    if (code === 'EADDRINUSE') {
      throw new StartError(
        `Port ${port}, which the ${name} needs, is taken by another program: stop that one, or choose another port, such as ${variable}=${port + 1} npm start.`,
      )
    }
    throw new StartError(`The ${name} cannot listen on port ${port} (${code}): choose another with ${variable}.`)
  }
}

const tryListen = (port: number, host: string | undefined) =>
  new Promise<string | undefined>((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
