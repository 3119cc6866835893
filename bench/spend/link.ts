import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from '../faults/random'

const BODY_MAX = 40 * 1_048_576

/**
 * The way from one gateway to its control plane, which can be cut. While it is not, it loses answers to what was done,
 * sends batches of events a second time, and brings old ones again after newer ones.
 */
export class FaultyLink {
  isCut = false
  /** Share of answers that are lost after the control plane has given them, and of batches that are sent again. */
  faults = 0
  /** By how much the gateway is misled about the time of the control plane, which it goes by. */
  skewMs = 0
  readonly counts = { lost: 0, repeated: 0, refused: 0 }
  readonly #planePort: () => number
  readonly #random: Random
  readonly #server: Server
  #old: Buffer | null = null

  constructor(planePort: () => number, random: Random) {
    this.#planePort = planePort
    this.#random = random
    this.#server = createServer((incoming, outgoing) => {
      this.#pass(incoming, outgoing).catch(() => outgoing.destroy())
    })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections that are open end as well. */
  cut(): void {
    this.isCut = true
    this.#server.closeAllConnections()
  }

  heal(): void {
    this.isCut = false
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (this.isCut) {
      this.counts.refused += 1
      incoming.socket.destroy()
      return
    }
    const body = await bytesOf(incoming)
    const isBatch = incoming.method === 'POST' && incoming.url === '/v1/events'
    if (isBatch && this.#random.chance(this.faults)) await this.#repeat(incoming, this.#old ?? body)
    if (isBatch && this.#random.chance(0.3)) this.#old = body
    const answer = await this.#ask(incoming, body)
    if (incoming.method === 'POST' && this.#random.chance(this.faults)) {
      this.counts.lost += 1
      answer.destroy()
      incoming.socket.destroy()
      return
    }
    if (this.skewMs !== 0 && /json/.test(answer.headers['content-type'] ?? '')) {
      const told = skewed(await bytesOf(answer), this.skewMs)
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders).end(told, 'latin1')
      return
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    outgoing.on('close', () => answer.destroy())
    answer.on('error', () => outgoing.destroy())
    answer.pipe(outgoing)
  }

  async #repeat(incoming: IncomingMessage, body: Buffer): Promise<void> {
    this.counts.repeated += 1
    const answer = await this.#ask(incoming, body)
    answer.resume()
    await once(answer, 'close')
  }

  async #ask({ method, url, headers }: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const asking = request({
      host: '127.0.0.1',
      port: this.#planePort(),
      method,
      path: url,
      headers: {
        ...headers,
        'accept-encoding': 'identity',
        connection: 'close',
        ...(method === 'GET' ? {} : { 'content-length': body.length }),
      },
    })
    asking.end(body)
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    return answer
  }
}

/** As long as it was. */
const skewed = (body: Buffer, ms: number) =>
  body.toString('latin1').replace(/(?<="server_time":")[^"]+/g, (told) => new Date(Date.parse(told) + ms).toISOString())

async function bytesOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming) {
    length += (chunk as Buffer).length
    if (length > BODY_MAX) throw new Error('A body is too long for a bench.')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}
