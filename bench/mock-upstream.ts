import { createServer } from 'node:http'

/**
 * An upstream that costs next to nothing: reads the request to its end, then answers 1 KB of JSON, or a stream of
 * CHUNKS server-sent events when the request asks for one. Prints its port.
 */
const CHUNKS = 20
const usage = { prompt_tokens: 100, completion_tokens: 180, total_tokens: 280 }
const base = { id: 'chatcmpl-bench', created: 1_700_000_000, model: 'bench' }

const answer = Buffer.from(
  JSON.stringify({
    ...base,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(760) }, finish_reason: 'stop' }],
    usage,
  }),
)
const chunk = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const frames = [
  ...Array.from({ length: CHUNKS }, () => chunk({ content: 'twenty characters. ' }, null)),
  chunk({}, 'stop'),
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage })}\n\n`,
  'data: [DONE]\n\n',
].map((frame) => Buffer.from(frame))

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const isStream = parts.some((part) => part.includes('"stream":true'))
    if (!isStream) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer)
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const frame of frames) response.write(frame)
    response.end()
  })
})
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address ? address.port : ''}\n`)
})
