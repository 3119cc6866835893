import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { Refusal } from '../errors'
import { fieldsOf } from '../meter'
import { SURFACES } from '../surfaces/all'
import type { Asked, Surface } from '../surfaces/surface'
import { type Call, type ChunkReader, type Json, NO_OPTIONS, type ProviderAdapter, ProviderFault } from './adapter'
import { joinPath } from './all'
import { AwsEventStream } from './aws-event-stream'
import { signedHeaders } from './bedrock/sign'
import { SseEvents } from './sse-events'

export type TestTarget = { adapter: ProviderAdapter; baseUrl: string; model: string; options?: Call['options'] }

export type ConvertingServer = {
  url: string
  /** What went to the provider, in order. */
  sent: { path: string; body: Json | null }[]
  close(): Promise<void>
}

/**
 * Surfaces and adapters with nothing around them: no keys, no policies, no record. It carries bytes between a real client
 * and a real upstream so that the two halves of a conversion can be tested as they are used.
 */
export async function serveConverted(target: TestTarget): Promise<ConvertingServer> {
  const agent = new Agent()
  const sent: ConvertingServer['sent'] = []
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/v1/embeddings') {
      relayEmbeddings(target, agent, incoming, outgoing).catch((thrown: unknown) => {
        outgoing.writeHead(500).end(String(thrown))
      })
      return
    }
    const surface = SURFACES.find(({ path }) => incoming.url?.startsWith(path))
    if (surface === undefined) {
      outgoing.writeHead(404).end()
      return
    }
    relay(surface, target, agent, sent, incoming, outgoing).catch((thrown: unknown) => {
      const refusal = thrown instanceof Refusal ? thrown : refusalOf(thrown)
      if (outgoing.headersSent) outgoing.destroy()
      else {
        outgoing.writeHead(refusal.status, { 'content-type': 'application/json' })
        outgoing.end(JSON.stringify(surface.refuse(refusal, 'req_test')))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    sent,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await agent.close()
    },
  }
}

async function relayEmbeddings(
  { adapter, baseUrl, model, options = NO_OPTIONS }: TestTarget,
  agent: Agent,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = fieldsOf(JSON.parse(await textOf(incoming))) ?? {}
  const call: Call = { model, stream: false, requestId: 'test', nowMs: 0, options }
  const { embeddings, auth } = adapter
  const out = embeddings?.request(body, call) ?? {
    path: adapter.path('openai_embeddings', call),
    body: { ...body, model },
  }
  const url = new URL(baseUrl)
  const answer = await request(new URL(joinPath(url, out.path), url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(auth === 'aws_sigv4' ? {} : { [auth.header]: `${auth.prefix}test` }),
    },
    body: JSON.stringify(out.body),
    dispatcher: agent,
  })
  const said = fieldsOf(await answer.body.json()) ?? {}
  outgoing.writeHead(answer.statusCode, { 'content-type': 'application/json' })
  outgoing.end(JSON.stringify(embeddings?.answer(said, call, body) ?? said))
}

async function relay(
  surface: Surface,
  { adapter, baseUrl, model, options = NO_OPTIONS }: TestTarget,
  agent: Agent,
  sent: ConvertingServer['sent'],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = fieldsOf(JSON.parse(await textOf(incoming))) ?? {}
  const asked: Asked = { body, requestId: 'test', nowMs: 1_767_225_600_000 }
  const isStream = body.stream === true
  const call: Call = { model, stream: isStream, requestId: 'test', nowMs: asked.nowMs, options }
  const isNative = adapter.native.includes(surface.shape)
  const out = isNative
    ? {
        path: adapter.path(surface.shape, call),
        body: adapter.adjust(surface.shape, { ...body, model }, call) ?? { ...body, model },
      }
    : adapter.chat.request(surface.toChat(body), call)
  const url = new URL(baseUrl)
  const path = joinPath(url, out.path)
  sent.push({ path, body: out.body })
  const text = JSON.stringify(out.body)
  const { auth } = adapter
  const plain = { 'content-type': 'application/json', ...adapter.headers }
  const headers =
    auth === 'aws_sigv4'
      ? await signedHeaders(
          new URL(path, url),
          text,
          { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret', sessionToken: null },
          'us-east-1',
          asked.nowMs,
        )
      : { [auth.header]: `${auth.prefix}test` }
  const answer = await request(new URL(path, url), {
    method: 'POST',
    headers: { ...plain, ...headers },
    body: text,
    dispatcher: agent,
  })
  if (isNative && answer.statusCode === 200) {
    outgoing.writeHead(200, { 'content-type': String(answer.headers['content-type']) })
    for await (const chunk of answer.body) outgoing.write(chunk)
    outgoing.end()
    return
  }
  if (answer.statusCode !== 200) {
    const error = adapter.error(answer.statusCode, fieldsOf(await answer.body.json().catch(() => null)))
    throw new Refusal('upstream_rejected', error.message, { status: answer.statusCode, retryable: error.retryable })
  }
  if (!isStream) {
    const completion = adapter.chat.answer(fieldsOf(await answer.body.json()) ?? {}, call)
    outgoing.writeHead(200, { 'content-type': 'application/json' })
    outgoing.end(JSON.stringify(surface.answer(completion, asked)))
    return
  }
  await relayStream(answer.body, adapter, adapter.chat.reader(call), surface, asked, outgoing)
}

async function relayStream(
  bytes: AsyncIterable<Buffer>,
  adapter: ProviderAdapter,
  reader: ChunkReader,
  surface: Surface,
  asked: Asked,
  outgoing: ServerResponse,
): Promise<void> {
  const events = adapter.chat.framing === 'sse' ? new SseEvents() : new AwsEventStream()
  const writer = surface.writer(asked)
  outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
  try {
    for await (const chunk of bytes) {
      // One byte at a time, so that every conversion is tested at every cut.
      for (let at = 0; at < chunk.length; at += 1) {
        for (const event of events.push(chunk.subarray(at, at + 1))) {
          for (const one of reader.push(event)) outgoing.write(writer.push(one))
        }
      }
    }
    for (const event of events.end()) for (const one of reader.push(event)) outgoing.write(writer.push(one))
    for (const one of reader.end()) outgoing.write(writer.push(one))
    outgoing.end(reader.isComplete ? writer.end() : writer.fail(new Refusal('upstream_failed', 'It broke off.')))
  } catch (thrown) {
    outgoing.end(writer.fail(refusalOf(thrown)))
  }
}

function refusalOf(thrown: unknown): Refusal {
  if (!(thrown instanceof ProviderFault)) return new Refusal('upstream_failed', 'It broke off.', { cause: thrown })
  return new Refusal('upstream_failed', thrown.error.message, { retryable: thrown.error.retryable })
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
