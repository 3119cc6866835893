import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { followPushStream } from './push-stream'

const undo: (() => void)[] = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
})

async function follow(answer: (response: ServerResponse) => void, silenceMsMax: number) {
  const server = createServer((_, response) => answer(response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = new AbortController()
  undo.push(
    () => server.closeAllConnections(),
    () => server.close(),
    () => stop.abort(),
  )
  const seen = { opened: 0, pushes: [] as unknown[], losses: [] as unknown[] }
  const ended = followPushStream(
    {
      apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token: 'kt_ak_test',
      gatewayId: 'gw_test',
      silenceMsMax,
      retryFirstMs: 1,
      retryMaxMs: 2,
      onOpen: () => {
        seen.opened += 1
      },
      onPush: (push) => seen.pushes.push(push),
      onLoss: (cause) => seen.losses.push(cause),
    },
    stop.signal,
  )
  return { seen, ended, stop: () => stop.abort() }
}

async function until(isRight: () => boolean): Promise<void> {
  while (!isRight()) await new Promise((resolve) => setTimeout(resolve, 2))
}

test('a stream that falls silent is opened again', async () => {
  const { seen } = await follow((response) => response.writeHead(200).flushHeaders(), 30)
  await until(() => seen.opened >= 3)
  expect(String(seen.losses[0])).toContain('silent for 30 ms')
})

test('pushes are understood however they are split', async () => {
  const frames = `data: {"kind":"resync"}\n\n: comment\n\ndata: {"kind":"ping","server_time":"2026-01-01T00:00:00.000Z"}\n\n`
  const { seen } = await follow((response) => {
    response.writeHead(200)
    void (async () => {
      for (const character of frames) {
        response.write(character)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
  }, 10_000)
  await until(() => seen.pushes.length === 2)
  expect(seen.pushes).toEqual([{ kind: 'resync' }, { kind: 'ping', server_time: '2026-01-01T00:00:00.000Z' }])
})

test('a refusal and nonsense are losses like any other, told once until the stream works again', async () => {
  let turn = 0
  const { seen } = await follow((response) => {
    turn += 1
    if (turn <= 3) response.writeHead(403).end('{}')
    else if (turn === 4) response.writeHead(200).end('data: nonsense\n\n')
    else response.writeHead(200).flushHeaders()
  }, 10_000)
  await until(() => seen.opened === 2)
  expect(seen.losses.length).toBe(2)
})

test('ends when it is told to, while a stream is open', async () => {
  const { seen, ended, stop } = await follow((response) => response.writeHead(200).flushHeaders(), 60_000)
  await until(() => seen.opened === 1)
  stop()
  await ended
  expect(seen.losses).toEqual([])
})
