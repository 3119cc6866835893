import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient } from './client'
import { events } from './contract/events'
import { whoami } from './contract/whoami'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Never ends an answer; `/v1/whoami` begins one. */
const server = createServer((request, response) => {
  if (request.url === '/v1/whoami') response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  if (request.url === '/v1/events/tail') response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n')
})
let baseUrl: string
let collecting: NodeJS.Timeout

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  collecting = setInterval(collectGarbage, 20)
})
afterAll(() => {
  clearInterval(collecting)
  server.closeAllConnections()
  server.close()
})

test.each([
  ['begins and does not end', whoami.get, {}],
  ['does not begin', events.get, { id: events.get.example.input.id }],
])(
  'an answer that %s is given up after the time allowed, whatever is collected meanwhile',
  async (_, endpoint, input) => {
    const call = createClient({ baseUrl, timeoutMs: 300 })
    await expect(call(endpoint, input)).rejects.toMatchObject({ code: 'upstream_timeout' })
  },
)

test('a call ends when its caller says so, whatever is collected meanwhile', async () => {
  const caller = new AbortController()
  setTimeout(() => caller.abort(), 300)
  const call = createClient({ baseUrl })(whoami.get, {}, { signal: caller.signal })
  await expect(call).rejects.toMatchObject({ name: 'AbortError' })
  await expect(createClient({ baseUrl })(whoami.get, {}, { signal: caller.signal })).rejects.toMatchObject({
    name: 'AbortError',
  })
})

test('a stream ends when its caller says so, whatever is collected meanwhile', async () => {
  const caller = new AbortController()
  setTimeout(() => caller.abort(), 300)
  const read = async () => {
    for await (const _ of createClient({ baseUrl }).subscribe(events.tail, {}, { signal: caller.signal }));
  }
  await expect(read()).rejects.toMatchObject({ name: 'AbortError' })
})
