import { createServer, type ServerResponse } from 'node:http'
import { englishText, PACED_PIECES } from './gateway/requests'

/**
 * An upstream that costs next to nothing: reads the request to its end, then answers what the name of the model asks for.
 * Prints its port.
 *
 * `json`: 1 KB. `masked`: 10 KiB with personal data in it. `sse-50`, `sse-500`: so many events at once. `paced`: 64 events,
 * one every 20 ms, each another. `slow`: one event a second for as long as the caller stays.
 */
const usage = { prompt_tokens: 100, completion_tokens: 180, total_tokens: 280 }
const base = { id: 'chatcmpl-bench', created: 1_700_000_000, model: 'bench' }

const PACE_MS = 20
const SLOW_MS = 1_000

const PERSON = ' Write to Jane Miller, jane.miller@example.org, or pay with 4111 1111 1111 1111. '

const answer = (content: string) =>
  Buffer.from(
    JSON.stringify({
      ...base,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage,
    }),
  )

const event = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const ENDING = [
  event({}, 'stop'),
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage })}\n\n`,
  'data: [DONE]\n\n',
].map((frame) => Buffer.from(frame))

const WORDS = englishText(2_000).split(' ')
const stream = (events: number) => [
  ...Array.from({ length: events - 2 }, (_, i) =>
    Buffer.from(event({ content: `${WORDS.slice((i * 3) % 300, ((i * 3) % 300) + 3).join(' ')} ` }, null)),
  ),
  ...ENDING,
]

const paced = PACED_PIECES.map((content) => Buffer.from(event({ content }, null)))

const WHOLE: Record<string, Buffer> = {
  json: answer(englishText(760)),
  masked: answer(`${englishText(2_480)}${PERSON}`.repeat(4)),
}
const AT_ONCE: Record<string, Buffer[]> = { 'sse-50': stream(50), 'sse-500': stream(500) }

function reply(model: string, response: ServerResponse): void {
  const whole = WHOLE[model]
  if (whole) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length }).end(whole)
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const atOnce = AT_ONCE[model]
  if (atOnce) {
    for (const frame of atOnce) response.write(frame)
    response.end()
    return
  }
  const isSlow = model === 'slow'
  let sent = 0
  const next = () => {
    const frame = isSlow ? paced[0] : paced[sent]
    sent += 1
    if (frame) response.write(frame)
    else {
      clearInterval(timer)
      for (const last of ENDING) response.write(last)
      response.end()
    }
  }
  const timer = setInterval(next, isSlow ? SLOW_MS : PACE_MS)
  response.once('close', () => clearInterval(timer))
  next()
}

/** The name of the model stands at one of the ends of the body, wherever the gateway in between puts it. */
function modelOf(body: Buffer): string {
  const ends = `${body.toString('latin1', 0, 400)}\n${body.toString('latin1', Math.max(0, body.length - 400))}`
  return /"model":\s*"([^"]+)"/.exec(ends)?.[1] ?? 'json'
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const body = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
    reply(modelOf(body), response)
  })
})
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address ? address.port : ''}\n`)
})
