import { expect, test } from 'vitest'
import { PushHub, type PushMessage } from './push'
import { Subscription } from './subscription'

/** A hub that hears what it is told here. */
async function startHub() {
  const hub = new PushHub()
  let tell: (text: string) => void = () => undefined
  await hub.start(async (_channel, hear, opened) => {
    tell = hear
    opened()
    return async () => undefined
  })
  return { hub, tell: (message: PushMessage) => tell(JSON.stringify(message)) }
}

const event = (lastSeq: number): PushMessage => ({ orgId: 'org_a', kind: 'events', lastSeq })

test('is told in order, and only of its organisation', async () => {
  const { hub, tell } = await startHub()
  const subscription = new Subscription(hub, 'org_a', new AbortController().signal)
  tell(event(1))
  tell({ ...event(9), orgId: 'org_b' })
  tell(event(2))
  expect([await subscription.next(10), await subscription.next(10), await subscription.next(10)]).toEqual([
    event(1),
    event(2),
    'idle',
  ])
})

test('is told at once while it waits', async () => {
  const { hub, tell } = await startHub()
  const subscription = new Subscription(hub, 'org_a', new AbortController().signal)
  const next = subscription.next(60_000)
  tell(event(1))
  expect(await next).toEqual(event(1))
})

test('that does not keep up is told once that it missed something, and hears what comes after', async () => {
  const { hub, tell } = await startHub()
  const subscription = new Subscription(hub, 'org_a', new AbortController().signal)
  for (let seq = 1; seq <= 257; seq++) tell(event(seq))
  tell(event(258))
  expect([await subscription.next(10), await subscription.next(10), await subscription.next(10)]).toEqual([
    { kind: 'missed' },
    event(258),
    'idle',
  ])
})

test('ends with its signal, also while it waits, and when that came before', async () => {
  const { hub } = await startHub()
  const stop = new AbortController()
  const subscription = new Subscription(hub, 'org_a', stop.signal)
  const next = subscription.next(60_000)
  stop.abort()
  expect(await next).toBeNull()
  expect(await new Subscription(hub, 'org_a', stop.signal).next(60_000)).toBeNull()
})
