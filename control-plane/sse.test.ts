import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventStream } from './sse'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const never = new AbortController().signal

/** Says something every 10 s, so that it is never silent long enough for a keep-alive. */
async function* busy(signal: AbortSignal) {
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    yield { data: 'something' }
  }
}

test('a stream that is never silent ends when its token does, too', async () => {
  let isAllowed = true
  const { body } = await eventStream(busy, async () => isAllowed, never)
  const reader = body?.getReader()
  const read = async () => {
    const reading = reader?.read()
    await vi.advanceTimersByTimeAsync(10_000)
    return (await reading)?.done
  }

  expect([await read(), await read(), await read(), await read()]).toEqual([false, false, false, false])
  isAllowed = false
  const after = [await read(), await read(), await read()]
  expect(after.at(-1)).toBe(true)
})

test('a stream that cannot begin ends the signal it was given, so that nothing keeps listening for it', async () => {
  let given: AbortSignal | undefined
  const refuse = async (signal: AbortSignal) => {
    given = signal
    throw new Error('no such stream')
  }

  await expect(eventStream(refuse, async () => true, never)).rejects.toThrow('no such stream')
  expect(given?.aborted).toBe(true)
})
