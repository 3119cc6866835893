import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { Pool } from 'undici'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { selfSigned } from '../certificate-testing'
import type { UpstreamCall, UpstreamHandler } from '../providers/provider'
import { ProviderLane } from './provider-lane'

type Heard = { status: number; headers: unknown; body: string; end: string; pieces: number }
type Script = (socket: Socket) => void

let scripts: Script[] = []
let connections = 0
const asked: string[] = []
const sockets = new Set<Socket>()
const serve = (socket: Socket): void => {
  connections += 1
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => {})
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    const length = /content-length: (\d+)\r\n/.exec(text)?.[1]
    const end = text.indexOf('\r\n\r\n')
    if (end === -1 || text.length < end + 4 + Number(length)) return
    asked.push(text)
    text = ''
    scripts.shift()?.(socket)
  })
}
const peer = createServer({ noDelay: true }, serve)
let origin = ''
let pool: Pool
let lane: ProviderLane

beforeAll(async () => {
  peer.listen(0, '127.0.0.1')
  await once(peer, 'listening')
  origin = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`
})
beforeEach(() => {
  pool = new Pool(origin, { pipelining: 1, allowH2: false, connections: 100 })
  lane = new ProviderLane(origin, { connectionsMax: 100, connect: { timeout: 5_000 } })
})
afterEach(async () => {
  scripts = []
  lane.close()
  await pool.destroy()
  for (const socket of sockets) socket.destroy()
})
afterAll(() => peer.close())

function listen(onStart = (_: UpstreamCall) => {}): { handler: UpstreamHandler; heard: Promise<Heard> } {
  const { promise, resolve } = Promise.withResolvers<Heard>()
  const heard: Heard = { status: 0, headers: null, body: '', end: '', pieces: 0 }
  const over = (end: string) => {
    // Told twice is told wrongly.
    heard.end += end
    resolve(heard)
  }
  return {
    heard: promise,
    handler: {
      onRequestStart: onStart,
      onResponseStart: (_, status, headers) => {
        if (status < 200) return
        heard.status += status
        heard.headers = { ...headers }
      },
      onResponseData: (_, chunk) => {
        heard.body += chunk.toString('latin1')
        heard.pieces += 1
      },
      onResponseEnd: () => over('end'),
      onResponseError: (_, error) => over('code' in error ? String(error.code) : error.name),
    },
  }
}

const BODY = Buffer.from('{"a":1}')
const HEAD = `POST /v1/chat HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n`

function byLane(script: Script, timeoutMs = 5_000, on: ProviderLane = lane): Promise<Heard> {
  scripts.push(script)
  const { handler, heard } = listen()
  on.send({ head: HEAD, body: BODY, timeoutMs }, handler)
  return heard
}

function byUndici(script: Script, timeoutMs = 5_000): Promise<Heard> {
  scripts.push(script)
  const { handler, heard } = listen()
  const timeouts = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs }
  pool.dispatch({ method: 'POST', path: '/v1/chat', headers: ['x-a', 'b'], body: BODY, ...timeouts }, handler)
  return heard
}

type Ending = 'stays' | 'ends' | 'resets'

const sends =
  (pieces: readonly Buffer[], ending: Ending): Script =>
  async (socket) => {
    for (const piece of pieces) {
      if (piece.length > 0 && socket.writable) await new Promise((resolve) => socket.write(piece, resolve))
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    }
    if (ending === 'ends') socket.end()
    else if (ending === 'resets') socket.resetAndDestroy()
  }

async function expectAlike(pieces: readonly Buffer[], ending: Ending): Promise<Heard> {
  const own = await byLane(sends(pieces, ending))
  const theirs = await byUndici(sends(pieces, ending))
  expect({ ...own, pieces: 0 }).toEqual({ ...theirs, pieces: 0 })
  return own
}

const bytes = (text: string) => Buffer.from(text, 'latin1')
const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"b":2}'
const CHUNKED = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const STREAM = `${CHUNKED}6\r\ndata: \r\nA\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n`

const BROKEN = [PLAIN, STREAM, PLAIN.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')]
const MISMATCH = 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'

describe('a lane hears what undici hears', () => {
  test.each(['stays', 'ends'] as const)('of a plain answer, wherever it is cut in two (%s)', async (ending) => {
    for (const answer of [PLAIN, STREAM]) {
      for (let at = 1; at < answer.length; at++) {
        const heard = await expectAlike([bytes(answer.slice(0, at)), bytes(answer.slice(at))], ending)
        expect([heard.status, heard.end]).toEqual([200, 'end'])
      }
    }
  })

  test('of one that comes byte by byte', async () => {
    for (const answer of [PLAIN, STREAM]) await expectAlike(Array.from(answer, bytes), 'stays')
  })

  test('of one that breaks off anywhere', async () => {
    for (const answer of BROKEN) {
      for (let at = 0; at < answer.length; at++) {
        const heard = await expectAlike([bytes(answer.slice(0, at))], 'ends')
        expect(heard.end).not.toBe('end')
      }
    }
  })

  // What was read of it before depends on when the kernel says so.
  test('of one whose connection is reset anywhere', async () => {
    for (const answer of BROKEN) {
      for (let at = 0; at < answer.length; at++) {
        const pieces = [bytes(answer.slice(0, at))]
        const ends = [await byLane(sends(pieces, 'resets')), await byUndici(sends(pieces, 'resets'))].map(
          ({ end }) => end,
        )
        for (const end of ends) expect(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', MISMATCH]).toContain(end)
      }
    }
  })

  const OTHERS: [string, string][] = [
    ['a length and chunks', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde'],
    ['a length with a sign', 'Content-Length: +3\r\n\r\nabc'],
    ['a length with zeros', 'Content-Length: 003\r\n\r\nabc'],
    ['no length', 'X-A: b\r\n\r\nabc'],
    ['another encoding', 'Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ['an encoding in capitals', 'Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ['a folded line', 'X-A: b\r\n c\r\nContent-Length: 3\r\n\r\nabc'],
    ['a blank before the colon', 'X-A : b\r\nContent-Length: 3\r\n\r\nabc'],
    ['a line that ends in LF', 'X-A: b\nContent-Length: 3\r\n\r\nabc'],
    ['a NUL', 'X-A: b\0\r\nContent-Length: 3\r\n\r\nabc'],
    ['bytes beyond ASCII', 'X-A: \xe9\r\nContent-Length: 3\r\n\r\nabc'],
    ['no value', 'X-A:\r\nX-B: \r\nContent-Length: 3\r\n\r\nabc'],
    ['no blank before a value', 'X-A:b\r\nContent-Length:3\r\n\r\nabc'],
    ['names of an object', '__proto__: a\r\nconstructor: b\r\nContent-Length: 3\r\n\r\nabc'],
    ['blanks around values', 'X-A:  b\t \r\nX-B: c \r\nContent-Length: 3 \r\n\r\nabc'],
    ['cookies', 'Set-Cookie: a\r\nSet-Cookie: b\r\nset-cookie: c\r\nContent-Length: 3\r\n\r\nabc'],
    ['a name twice', 'X-A: a\r\nx-a: b\r\nContent-Length: 3\r\n\r\nabc'],
    ['too long a head', `X-A: ${'a'.repeat(20_000)}\r\nContent-Length: 3\r\n\r\nabc`],
    ['an end', 'Connection: close\r\nContent-Length: 3\r\n\r\nabc'],
    ['an upgrade', 'Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc'],
    ['an answer behind it', `Content-Length: 3\r\n\r\nabc${PLAIN}`],
    ['bytes behind it', 'Content-Length: 3\r\n\r\nabcd'],
    ['no body', 'Content-Length: 0\r\n\r\n'],
    ['nothing in chunks', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['trailers', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: b\r\n\r\n'],
    ['a word behind a size', 'Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'],
    ['a word behind a later size', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;a="b"\r\nde\r\n0\r\n\r\n'],
    ['zeros before a size', 'Transfer-Encoding: chunked\r\n\r\n0000003\r\nabc\r\n00\r\n\r\n'],
    ['many zeros before a size', 'Transfer-Encoding: chunked\r\n\r\n000000000003\r\nabc\r\n0\r\n\r\n'],
    ['a size that is none', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n0\r\n\r\n'],
    ['no size before the end', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n\r\n\r\n'],
    ['no size', 'Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n'],
    ['a size with a sign', 'Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n'],
    ['a size with 0x', 'Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n'],
    ['a size beyond all numbers', 'Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
    ['a size that ends in LF', 'Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n'],
    ['a chunk that ends in LF', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n2\r\nde\r\n0\r\n\r\n'],
    ['a chunk that is longer', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n'],
    ['bytes behind the last chunk', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nabc'],
  ]

  test.each(OTHERS)('of an answer with %s', async (_, rest) => {
    const answer = bytes(`HTTP/1.1 200 OK\r\n${rest}`)
    await expectAlike([answer], 'ends')
    for (const at of [20, 40, 60, answer.length - 6]) {
      await expectAlike([answer.subarray(0, at), answer.subarray(at)], 'ends')
    }
  })

  test.each([
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n',
    'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 099 No\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 600 No\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 2000 No\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1  200 OK\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\nabc',
    'http/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    'ICY 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}',
    '\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    '\0\0\0',
    '{"b":2}',
  ])('of an answer that begins as %j', async (answer) => {
    await expectAlike([bytes(answer)], 'ends')
  })

  test('of whatever comes', async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.array(fc.nat(200), { maxLength: 2 }), async (text, cuts) => {
        const all = bytes(text)
        const places = [0, ...cuts.filter((at) => at < all.length).toSorted((a, b) => a - b), all.length]
        const pieces = places.slice(1).map((place, index) => all.subarray(places[index], place))
        await expectAlike(pieces, 'ends')
      }),
      { numRuns: RUNS },
    )
  }, 120_000)

  test.each(['before its head', 'in its body'])('of a provider that says nothing any more %s', async (where) => {
    const said = where === 'in its body' ? [bytes(STREAM.slice(0, -20))] : []
    const heard = await byLane(sends(said, 'stays'), 300)
    const code = where === 'in its body' ? 'UND_ERR_BODY_TIMEOUT' : 'UND_ERR_HEADERS_TIMEOUT'
    expect([heard.end, (await byUndici(sends(said, 'stays'), 300)).end]).toEqual([code, code])
  })
})

describe('a lane', () => {
  test('uses a connection again and again, once what it was used for is over', async () => {
    const before = connections
    for (let at = 0; at < 1_000; at++) {
      expect((await byLane(sends([bytes(at % 2 ? PLAIN : STREAM)], 'stays'))).end).toBe('end')
      await new Promise(setImmediate)
    }
    expect(connections - before).toBe(1)
  }, 60_000)

  test.each([
    ['was closed', (socket: Socket) => socket.end(bytes(PLAIN))],
    ['said more than it was asked', (socket: Socket) => socket.write(bytes(PLAIN + PLAIN))],
    ['speaks another version', sends([bytes(PLAIN.replace('1.1', '1.0'))], 'stays')],
    [
      'is said to be over soon',
      sends([bytes(PLAIN.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=1\r\n\r\n'))], 'stays'),
    ],
  ])('uses none again that %s', async (_, script) => {
    await byLane(script)
    const before = connections
    expect((await byLane(sends([bytes(PLAIN)], 'stays'))).end).toBe('end')
    expect(connections - before).toBe(1)
  })

  test('uses none again whose question was answered before all of it had been sent', async () => {
    const accepted: Socket[] = []
    const hasty = createServer((socket) => {
      accepted.push(socket)
      socket.on('error', () => {}).pause()
      socket.write(bytes(PLAIN))
    })
    hasty.listen(0, '127.0.0.1')
    await once(hasty, 'listening')
    const hastyOrigin = `http://127.0.0.1:${(hasty.address() as AddressInfo).port}`
    const own = new ProviderLane(hastyOrigin, { connectionsMax: 100, connect: { timeout: 5_000 } })
    const body = Buffer.alloc(50_000_000)
    for (let at = 1; at <= 2; at++) {
      const { handler, heard } = listen()
      own.send({ head: HEAD.replace(/\d+\r\n\r\n$/, `${body.length}\r\n\r\n`), body, timeoutMs: 5_000 }, handler)
      expect([(await heard).end, accepted.length]).toEqual(['end', at])
      await new Promise(setImmediate)
    }
    own.close()
    for (const socket of accepted) socket.destroy()
    hasty.close()
  })

  test('lets go of connections that nothing was sent on for long, and of none that is used', async () => {
    const idle = [byLane(sends([bytes(PLAIN)], 'stays')), byLane(sends([bytes(PLAIN)], 'stays'))]
    await Promise.all(idle)
    let answer = () => {}
    const used = byLane((socket) => {
      answer = () => socket.write(bytes(PLAIN))
    })
    await expect.poll(() => scripts.length).toBe(0)
    expect(lane.isIdle).toBe(false)
    lane.sweep(performance.now() + 3_600_000)
    await expect.poll(() => sockets.size).toBe(1)
    answer()
    expect((await used).end).toBe('end')
    await expect.poll(() => lane.isIdle).toBe(true)
  })

  test('takes no answer that came before its question', async () => {
    const poisoned = bytes(PLAIN.replace('{"b":2}', 'poison!'))
    const first = byLane((socket) => {
      socket.write(bytes(PLAIN))
      setImmediate(() => socket.write(poisoned))
    })
    await first
    const heard = await byLane(sends([bytes(PLAIN)], 'stays'))
    expect([heard.end, heard.body]).toEqual(['end', '{"b":2}'])
  })

  test('reads on a connection again when who was answered had enough for the moment', async () => {
    const { handler, heard } = listen()
    scripts.push(sends([bytes(STREAM)], 'stays'))
    const onResponseData = (call: UpstreamCall) => call.pause()
    lane.send({ head: HEAD, body: BODY, timeoutMs: 5_000 }, { ...handler, onResponseData })
    expect((await heard).end).toBe('end')
    await new Promise(setImmediate)
    const before = connections
    expect((await byLane(sends([bytes(PLAIN)], 'stays'))).body).toBe('{"b":2}')
    expect(connections).toBe(before)
  })

  test('has no more connections than it may; who comes later waits, and is served', async () => {
    const few = new ProviderLane(origin, { connectionsMax: 2, connect: { timeout: 5_000 } })
    const before = connections
    const waiting: Socket[] = []
    const calls = Array.from({ length: 6 }, () => byLane((socket) => waiting.push(socket), 5_000, few))
    for (let served = 0; served < 6; served++) {
      await expect.poll(() => waiting.length).toBeGreaterThan(0)
      expect(connections - before).toBeLessThanOrEqual(2)
      waiting.shift()?.write(bytes(PLAIN))
    }
    expect((await Promise.all(calls)).map(({ end }) => end)).toEqual(Array(6).fill('end'))
    expect(connections - before).toBe(2)
    few.close()
  })

  test('tells who asks of an address where nobody listens', async () => {
    const nowhere = new ProviderLane('http://127.0.0.1:1', { connectionsMax: 2, connect: { timeout: 5_000 } })
    expect((await byLane(() => {}, 5_000, nowhere)).end).toBe('ECONNREFUSED')
    scripts = []
    nowhere.close()
  })

  test.each(['before it is answered', 'in its answer'])(
    'ends a call that is aborted %s, at once and once',
    async (when) => {
      let call: UpstreamCall | null = null
      const { handler, heard } = listen((given) => {
        call = given
      })
      let closed = false
      scripts.push((socket) => {
        socket.on('close', () => {
          closed = true
        })
        if (when === 'in its answer') socket.write(bytes(STREAM.slice(0, -20)))
      })
      lane.send({ head: HEAD, body: BODY, timeoutMs: 5_000 }, handler)
      await expect.poll(() => scripts.length).toBe(0)
      await new Promise((resolve) => setTimeout(resolve, 50))
      const given = call as UpstreamCall | null
      given?.abort(Object.assign(new Error(), { code: 'enough' }))
      given?.abort(new Error('twice'))
      expect((await heard).end).toBe('enough')
      await expect.poll(() => closed).toBe(true)
      expect((await heard).end).toBe('enough')
    },
  )

  test('reads no further than its caller wants', async () => {
    let call: UpstreamCall | null = null
    let sent = 0
    const { handler, heard } = listen((given) => {
      call = given
    })
    scripts.push((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n')
      const pour = () => {
        while (sent < 100_000_000) {
          sent += 1_000_000
          if (!socket.write(Buffer.alloc(1_000_000))) return
        }
      }
      socket.on('drain', pour)
      pour()
    })
    let got = 0
    const onResponseData = (given: UpstreamCall, chunk: Buffer) => {
      got += chunk.length
      if (got < 100_000) given.pause()
    }
    lane.send({ head: HEAD, body: BODY, timeoutMs: 5_000 }, { ...handler, onResponseData })
    await expect.poll(() => got).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect([got < 1_000_000, sent < 50_000_000]).toEqual([true, true])
    const resume = setInterval(() => call?.resume(), 1)
    expect((await heard).end).toBe('end')
    clearInterval(resume)
    expect(got).toBe(100_000_000)
  })
})

const RUNS = 600
const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 25, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
const eol = mostly('\r\n', '\n', '\r', '\r\r\n', '\r\n ')
const character = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
const header = fc
  .tuple(
    fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9-]{1,9}$/),
      fc.constantFrom(
        'Content-Type',
        'Set-Cookie',
        'Date',
        'Keep-Alive',
        'Connection',
        'Vary',
        'constructor',
        'a b',
        '',
      ),
    ),
    mostly(': ', ':', ' : ', ':\t'),
    fc.oneof(fc.stringMatching(/^[ -~]{0,20}$/), fc.constantFrom('keep-alive', 'close', 'timeout=5', '\0', 'é')),
    eol,
  )
  .map((parts) => parts.join(''))
const chunk = fc
  .tuple(
    fc.string({ minLength: 1, maxLength: 20, unit: 'binary-ascii' }),
    mostly(0, 1, -1),
    mostly('', ';a=b', ' ', ';'),
    eol,
    eol,
  )
  .map(
    ([data, surplus, word, one, other]) =>
      `${Math.max(0, data.length + surplus).toString(16)}${word}${one}${data}${other}`,
  )
const body = fc.oneof(
  fc
    .tuple(fc.string({ maxLength: 30, unit: 'binary-ascii' }), mostly(0, 1, -1))
    .map(([data, surplus]) => ['Content-Length: ', Math.max(0, data.length + surplus), '\r\n\r\n', data].join('')),
  fc
    .tuple(fc.array(chunk, { maxLength: 4 }), mostly('0\r\n\r\n', '0\r\n', '0\r\nA: b\r\n\r\n', '00\r\n\r\n', ''))
    .map(([chunks, end]) => `Transfer-Encoding: chunked\r\n\r\n${chunks.join('')}${end}`),
)
const answers = fc
  .tuple(
    mostly('HTTP/1.1 200 OK', 'HTTP/1.1 200', 'HTTP/1.0 200 OK', 'HTTP/1.1 404 ', 'HTTP/1.1 204 No', 'HTTP/1.1 100 Go'),
    eol,
    fc.array(header, { maxLength: 4 }),
    body,
    fc.option(fc.tuple(fc.nat(200), fc.nat(2), character), { freq: 3 }),
  )
  .map(([line, end, headers, rest, mutation]) => {
    const text = line + end + headers.join('') + rest
    if (mutation === null) return text
    const [at, length, by] = mutation
    return text.slice(0, at) + by + text.slice(at + length)
  })

const CONNECTED = 0
const ANSWERED = 1
/** Answers from a thread of its own, while this one is at work. */
const QUICK_PEER = `
const { parentPort, workerData } = require('node:worker_threads')
const { key, cert, answer, counts } = workerData
const server = require('node:tls').createServer({ key, cert, noDelay: true }, (socket) => {
  Atomics.add(counts, ${CONNECTED}, 1)
  socket.on('error', () => {})
  socket.on('data', () => socket.write(answer, () => {
    Atomics.add(counts, ${ANSWERED}, 1)
    Atomics.notify(counts, ${ANSWERED})
  }))
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

describe('behind TLS', () => {
  const { key, cert } = selfSigned()
  const secure = createTlsServer({ key, cert, noDelay: true }, serve)
  let secureOrigin = ''
  beforeAll(async () => {
    secure.listen(0, '127.0.0.1')
    await once(secure, 'listening')
    secureOrigin = `https://localhost:${(secure.address() as AddressInfo).port}`
  })
  afterAll(() => secure.close())

  test('a connection is used again, and an answer that is not plain is heard as well', async () => {
    const trusting = new ProviderLane(secureOrigin, { connectionsMax: 100, connect: { timeout: 5_000, ca: cert } })
    const before = connections
    try {
      for (const answer of [PLAIN, STREAM, PLAIN]) {
        expect(await byLane(sends([bytes(answer)], 'stays'), 5_000, trusting)).toMatchObject({
          status: 200,
          end: 'end',
        })
        await new Promise(setImmediate)
      }
      expect(connections - before).toBe(1)
      const odd = bytes('HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nuntil it ends')
      const heard = await byLane(sends([odd], 'ends'), 5_000, trusting)
      expect(heard).toMatchObject({ status: 200, body: 'until it ends', end: 'end' })
    } finally {
      trusting.close()
    }
  })

  test('a connection is used again when the answer was there before TLS had said that the question is sent', async () => {
    const counts = new Int32Array(new SharedArrayBuffer(8))
    const quick = new Worker(QUICK_PEER, { eval: true, workerData: { key, cert, answer: PLAIN, counts } })
    const [port] = (await once(quick, 'message')) as [number]
    const quickOrigin = `https://localhost:${port}`
    const trusting = new ProviderLane(quickOrigin, { connectionsMax: 100, connect: { timeout: 5_000, ca: cert } })
    try {
      for (let at = 0; at < 5; at++) {
        const heard = byLane(() => {}, 5_000, trusting)
        // Behind the sending, in the same turn.
        if (at > 0) setImmediate(() => Atomics.wait(counts, ANSWERED, at, 5_000))
        expect((await heard).end).toBe('end')
        await new Promise(setImmediate)
      }
      expect(counts[CONNECTED]).toBe(1)
    } finally {
      trusting.close()
      await quick.terminate()
    }
  })

  test('nothing is sent to a provider whose certificate nobody vouches for', async () => {
    const wary = new ProviderLane(secureOrigin, { connectionsMax: 100, connect: { timeout: 5_000 } })
    const before = asked.length
    const heard = await byLane(sends([bytes(PLAIN)], 'stays'), 5_000, wary)
    wary.close()
    expect([heard.status, heard.end, asked.length]).toEqual([0, 'DEPTH_ZERO_SELF_SIGNED_CERT', before])
  })
})
