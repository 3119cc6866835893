import { createServer, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

/** The floor under every gateway on this runtime: node:http in, undici dispatch out, no look at any byte. */
const upstream = process.env.UPSTREAM ?? ''
const pool = new Pool(upstream, { connections: 1_024, pipelining: 1 })

const relay = (response: ServerResponse): Dispatcher.DispatchHandler => ({
  onRequestStart() {}, // undici takes a handler without it for one of its old kind
  onResponseStart(_controller, status, headers) {
    response.writeHead(status, { 'content-type': String(headers['content-type']) })
  },
  onResponseData(_controller, bytes) {
    response.write(bytes)
  },
  onResponseEnd() {
    response.end()
  },
  onResponseError() {
    response.destroy()
  },
})

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const body = parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts)
    const headers = { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' }
    pool.dispatch({ path: request.url ?? '/', method: 'POST', headers, body }, relay(response))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address ? address.port : ''}\n`)
})
