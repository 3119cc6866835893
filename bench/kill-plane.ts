import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createControlPlane } from '../control-plane/app'
import { createConsoleServer } from '../server/console-server'
import { openServices } from './events/plane'

/** A control plane in a process of its own, to be killed. Its argument is the application's URL; it prints its port. */
const { services } = await openServices(process.argv[2] ?? '')
const plane = createControlPlane(services)
const { server } = createConsoleServer({
  controlPlane: () => plane,
  pages: () => undefined,
  https: false,
  formOrigins: [],
  trustProxy: false,
  onError: () => undefined,
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
