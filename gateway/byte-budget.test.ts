import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { readBody } from './body'
import { ByteBudget } from './byte-budget'
import { Refusal } from './errors'

const read = (body: Readable, budget: ByteBudget) => {
  const share = budget.share()
  const request = Object.assign(body, { headers: {} })
  return new Promise<{ body: Buffer | Refusal; share: typeof share }>((resolve) => {
    readBody(request as never, 1_000, (read) => resolve({ body: read, share }), share)
  })
}

test('what requests hold together has a bound, and what one gives back another may take', async () => {
  const budget = new ByteBudget(1_000)
  const first = await read(Readable.from([Buffer.alloc(400), Buffer.alloc(300)]), budget)
  expect([first.body.toString().length, budget.taken]).toEqual([700, 700])

  const second = await read(Readable.from([Buffer.alloc(200), Buffer.alloc(200)]), budget)
  expect(second.body).toBeInstanceOf(Refusal)
  expect(second.body).toMatchObject({ code: 'overloaded', status: 503, retryable: true })

  second.share.release()
  expect(budget.taken).toBe(700)
  first.share.release()
  first.share.release()
  expect(budget.taken).toBe(0)
  const third = await read(Readable.from([Buffer.alloc(999)]), budget)
  expect(third.body).toBeInstanceOf(Buffer)
})

test('a request that is over takes nothing any more, so that nothing is left behind', () => {
  const budget = new ByteBudget(10)
  const share = budget.share()
  share.release()
  expect([share.take(1), budget.taken]).toEqual([false, 0])
})

test('what waits is counted as it is now, beside what was taken, and what does not fit changes nothing', () => {
  const budget = new ByteBudget(100)
  const [share, other] = [budget.share(), budget.share()]
  expect([share.take(10), share.hold(50), budget.taken]).toEqual([true, true, 60])
  expect([share.hold(20), budget.taken]).toEqual([true, 30])
  expect([other.take(60), share.hold(40), budget.taken]).toEqual([true, false, 90])
  expect([share.hold(30), share.hold(0), budget.taken]).toEqual([true, true, 70])
  share.release()
  expect([share.hold(1), budget.taken]).toEqual([false, 60])
})
