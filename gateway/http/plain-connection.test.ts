import { afterEach, describe, expect, test } from 'vitest'
import type { CallerRequest, CallerResponse } from './caller-http'
import { bytes, type Caller, call as connected, echo, type Handle, post, startTwins, type Twins } from './twins'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function start(handle: Handle = echo, bounds = {}): Promise<Twins> {
  const twins = await startTwins(handle, bounds)
  open.push(twins)
  return twins
}

async function call(port: number, first: string): Promise<Caller> {
  const caller = await connected(port)
  caller.socket.write(bytes(first))
  return caller
}

const SOON = { timeout: 10_000 }
const AN_HOUR = 3_600_000

describe.each(['fronted', 'alone'] as const)('%s', (which) => {
  test('a connection serves a thousand requests one after the other', async () => {
    const twins = await start()
    const { socket, text } = await call(twins[which], '')
    for (let at = 1; at <= 1_000; at++) {
      socket.write(bytes(post(`{"at":${at}}`)))
      await expect.poll(() => text().split('HTTP/1.1 200').length - 1, { ...SOON, interval: 0 }).toBe(at)
    }
    socket.destroy()
    expect(twins.plain()).toBe(which === 'fronted' ? 1_000 : 0)
  }, 60_000)

  test('a caller that leaves in its body has asked nothing, and its answer is told that', async () => {
    const told: string[] = []
    const twins = await start((request, response) => {
      request.on('data', () => told.push('data'))
      request.on('end', () => told.push('end'))
      response.on('close', () => told.push(`close ${response.destroyed} ${response.closed}`))
    })
    const { socket } = await call(twins[which], post('').replace('h: 0', 'h: 9').concat('abc'))
    await expect.poll(() => told, SOON).toEqual(['data'])
    socket.resetAndDestroy()
    await expect.poll(() => told, SOON).toEqual(['data', 'close true true'])
  })

  test('a caller that leaves in its answer is told of, once, and writing on does nothing', async () => {
    const told: boolean[] = []
    let given: CallerResponse | null = null
    const twins = await start((_, response) => {
      given = response
      response.on('close', () => told.push(response.destroyed))
      response.writeHead(200, ['content-type', 'text/event-stream'])
      response.write(Buffer.from('one'))
    })
    const { socket, text } = await call(twins[which], post('{}'))
    await expect.poll(text, SOON).toContain('one')
    socket.resetAndDestroy()
    await expect.poll(() => told, SOON).toEqual([true])
    const response = given as CallerResponse | null
    response?.write(Buffer.from('two'))
    response?.end()
    response?.destroy()
    expect(told).toEqual([true])
  })

  test('an answer that has begun gets no second head', async () => {
    const told: string[] = []
    const twins = await start((_, response) => {
      response.writeHead(200, ['content-type', 'text/event-stream'])
      response.write(Buffer.from('one'))
      try {
        response.writeHead(500, ['content-length', '2'])
      } catch {
        told.push('refused')
      }
      response.end()
    })
    const { text, socket } = await call(twins[which], post('{}'))
    await expect.poll(text, SOON).toContain('\r\n0\r\n\r\n')
    socket.destroy()
    expect([told, text().split('HTTP/1.1').length - 1]).toEqual([['refused'], 1])
  })

  test('an answer is over when all of it is with the kernel, not when it was written', async () => {
    let isClosed = false
    const twins = await start((_, response) => {
      response.on('close', () => {
        isClosed = true
      })
      response.writeHead(200, ['content-length', '50000000'])
      response.end(Buffer.alloc(50_000_000))
    })
    const { socket } = await call(twins[which], '')
    socket.pause()
    socket.write(bytes(post('{}')))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(isClosed).toBe(false)
    socket.resume()
    await expect.poll(() => isClosed, SOON).toBe(true)
    socket.destroy()
  })

  test('a caller that reads slowly is waited for, and gets every byte in order', async () => {
    const PIECES = 400
    let written = 0
    let waits = 0
    const twins = await start((_, response) => {
      response.writeHead(200, ['content-type', 'text/event-stream'])
      const pour = () => {
        while (written < PIECES) {
          written += 1
          if (!response.write(Buffer.alloc(written % 2 ? 50_000 : 1_000, String(written % 10)))) {
            waits += 1
            return
          }
        }
        response.end()
      }
      response.on('drain', pour)
      pour()
    })
    const { socket, text } = await call(twins[which], '')
    socket.pause()
    socket.write(bytes(post('{}')))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(written).toBeLessThan(PIECES)
    socket.resume()
    await expect.poll(() => text().endsWith('\r\n0\r\n\r\n'), SOON).toBe(true)
    expect(waits).toBeGreaterThan(1)
    const said = text().slice(text().indexOf('\r\n\r\n') + 4)
    const due = Array.from({ length: PIECES }, (_, at) => {
      const piece = String((at + 1) % 10).repeat((at + 1) % 2 ? 50_000 : 1_000)
      return `${piece.length.toString(16)}\r\n${piece}\r\n`
    }).join('')
    expect(said === `${due}0\r\n\r\n`).toBe(true)
    socket.destroy()
  })

  test('what comes behind a request waits for its answer, and more of it than is kept waits at the caller', async () => {
    const waiting: (() => void)[] = []
    const heard: string[] = []
    const twins = await start((request, response) => {
      const body: Buffer[] = []
      request.on('data', (chunk) => body.push(chunk))
      request.on('end', () => {
        heard.push(Buffer.concat(body).toString().slice(0, 1))
        waiting.push(() => {
          response.writeHead(200, ['content-length', '0'])
          response.end()
        })
      })
    })
    const { socket, text } = await call(
      twins[which],
      ['a', 'b', 'c', 'd'].map((one) => post(one.repeat(90_000))).join(''),
    )
    for (let at = 0; at < 4; at++) {
      await expect.poll(() => waiting.length, SOON).toBeGreaterThan(at)
      waiting[at]?.()
    }
    await expect.poll(() => text().split('HTTP/1.1 200').length - 1, SOON).toBe(4)
    expect(heard).toEqual(['a', 'b', 'c', 'd'])
    socket.destroy()
  })

  test.each([
    ['a line break in a value', ['x-a', 'b\r\nx-c: d']],
    ['a name with a colon', ['x-a: b\r\nx', 'c']],
    ['a character beyond a byte', ['x-a', 'ž']],
    ['no name', ['', 'b']],
  ])('an answer with %s is none', async (_, headers) => {
    let thrown: unknown = null
    const twins = await start((_, response) => {
      try {
        response.writeHead(200, headers)
      } catch (cause) {
        thrown = cause
      }
      response.destroy()
    })
    const { text, closed } = await call(twins[which], post('{}'))
    await closed
    expect([thrown instanceof TypeError, text()]).toEqual([true, ''])
  })

  test('a request that is the last one on its connection is answered before that is closed', async () => {
    const twins = await start((request, response) => {
      response.shouldKeepAlive = false
      echo(request, response)
    })
    const { text, closed } = await call(twins[which], post('{}', 'X-Answer: large\r\n') + post('{}'))
    await closed
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    expect(text()).toContain('\r\nConnection: close\r\n')
    expect(text().length).toBeGreaterThan(200_000)
  })
})

describe('a front that looks after its connections', () => {
  test('answers a head that does not come, and a body that does not, as node does', async () => {
    const twins = await start()
    const silent = await call(twins.fronted, '')
    const slow = await call(twins.fronted, post('').replace('h: 0', 'h: 9').concat('abc'))
    await expect.poll(() => twins.plain(), SOON).toBe(1)
    twins.front.sweep(1)
    expect([silent.text(), slow.text()]).toEqual(['', ''])
    twins.front.sweep(AN_HOUR)
    await Promise.all([silent.closed, slow.closed])
    const told = 'HTTP/1.1 400 ERR_HTTP_REQUEST_TIMEOUT\r\n\r\n'
    expect([silent.text(), slow.text()]).toEqual([told, told])
  })

  test('does not take the rest of a request that it has refused for being slow', async () => {
    const told: string[] = []
    const twins = await start((request, response) => {
      request.on('data', (chunk) => told.push(chunk.toString()))
      request.on('end', () => told.push('end'))
      response.on('close', () => told.push('close'))
    })
    const { socket, text, closed } = await call(twins.fronted, post('').replace('h: 0', 'h: 6').concat('abc'))
    await expect.poll(() => told, SOON).toEqual(['abc'])
    twins.front.sweep(AN_HOUR)
    socket.write('def')
    await closed
    await expect.poll(() => told.at(-1), SOON).toBe('close')
    expect([text(), told]).toEqual(['HTTP/1.1 400 ERR_HTTP_REQUEST_TIMEOUT\r\n\r\n', ['abc', 'close']])
  })

  test('serves one request of a connection in a turn of the event loop, however many are there', async () => {
    let served = 0
    let servedInFirstTurn = 0
    const twins = await start((_, response) => {
      served += 1
      if (served === 1) {
        setImmediate(() => {
          servedInFirstTurn = served
        })
      }
      response.writeHead(401, ['content-length', '0'])
      response.end()
    })
    const { socket, text } = await call(twins.fronted, post('').repeat(300))
    await expect.poll(() => text().split('HTTP/1.1 401').length - 1, SOON).toBe(300)
    socket.destroy()
    expect([servedInFirstTurn, twins.plain()]).toEqual([1, 300])
  })

  test('lets go of one on which nothing comes any more, and of none that is answered', async () => {
    const kept: CallerRequest[] = []
    const twins = await start((request, response) => {
      if (request.headers['x-wait']) kept.push(request)
      else echo(request, response)
    })
    const idle = await call(twins.fronted, post('{}'))
    await expect.poll(idle.text, SOON).toContain('200 OK')
    const waiting = await call(twins.fronted, post('{}', 'X-Wait: yes\r\n'))
    await expect.poll(() => kept.length, SOON).toBe(1)
    twins.front.sweep(AN_HOUR)
    await idle.closed
    expect([waiting.socket.destroyed, waiting.text()]).toEqual([false, ''])
    waiting.socket.destroy()
  })

  test('closes all that are left', async () => {
    const twins = await start(() => {})
    const callers = await Promise.all([call(twins.fronted, post('{}')), call(twins.fronted, '')])
    await expect.poll(() => twins.plain(), SOON).toBe(1)
    twins.front.closeAll()
    for (const { closed } of callers) await closed
  })
})
