import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StreamRelay } from './stream'
import { completionFrames } from './testing'

const FRAMES = completionFrames(['Grüße', ' 🌍', ' "usage" and [DONE] and \n\n are words too'])
const USAGE_AT = FRAMES.length - 2
const NEWLINES = ['\n', '\r\n', '\r'] as const

/** Feeds the bytes in pieces that end at the given places. */
function relayed(bytes: Buffer, cuts: number[], relay: StreamRelay) {
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length]
  const passed: Buffer[] = []
  for (let at = 1; at < places.length; at++) {
    const out = relay.push(bytes.subarray(places[at - 1], places[at]))
    if (out !== null) passed.push(out)
  }
  const beforeEnd = Buffer.concat(passed).toString()
  const rest = relay.end()
  return { beforeEnd, whole: beforeEnd + (rest?.toString() ?? '') }
}

const cutsOf = (bytes: Buffer) => fc.array(fc.nat(bytes.length), { maxLength: 40 })

describe('a stream passed through', () => {
  test('is the same bytes for any split and any line ending, and its usage is read', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...NEWLINES).chain((newline) => {
          const bytes = Buffer.from(`: hello\n\nevent: x\nid: 1\n${FRAMES.join('')}`.replaceAll('\n', newline))
          return fc.tuple(fc.constant(bytes), cutsOf(bytes))
        }),
        ([bytes, cuts]) => {
          const relay = new StreamRelay(false)
          const { whole, beforeEnd } = relayed(bytes, cuts, relay)
          expect(whole).toBe(bytes.toString())
          expect(beforeEnd).not.toContain('data: [DONE]')
          expect(relay).toMatchObject({ complete: true, failed: false, model: 'gpt-test-0001' })
          expect(relay.usage).toEqual({ input: 5, output: 3, cached: 0, reasoning: 0 })
        },
      ),
      { numRuns: 400 },
    )
  })

  test('loses the hidden usage chunk and nothing else, for any split', () => {
    const bytes = Buffer.from(FRAMES.join(''))
    const expected = FRAMES.filter((_, at) => at !== USAGE_AT).join('')
    fc.assert(
      fc.property(cutsOf(bytes), (cuts) => {
        const relay = new StreamRelay(true)
        expect(relayed(bytes, cuts, relay).whole).toBe(expected)
        expect(relay.usage?.output).toBe(3)
      }),
      { numRuns: 400 },
    )
  })

  test('byte by byte is still the same', () => {
    const bytes = Buffer.from(FRAMES.join(''))
    const everywhere = Array.from({ length: bytes.length }, (_, at) => at)
    expect(relayed(bytes, everywhere, new StreamRelay(false)).whole).toBe(bytes.toString())
  })

  test('reads data that is spread over several lines', () => {
    const relay = new StreamRelay(false)
    const text =
      'data: {"choices":[],\ndata:"usage":{"prompt_tokens":1,\ndata: "completion_tokens":2}}\n\ndata: [DONE]\n\n'
    expect(relayed(Buffer.from(text), [], relay).whole).toBe(text)
    expect(relay.usage).toMatchObject({ input: 1, output: 2 })
  })

  test('is not complete without a finish or [DONE]', () => {
    const relay = new StreamRelay(false)
    relayed(Buffer.from(FRAMES.slice(0, 3).join('')), [], relay)
    expect(relay.complete).toBe(false)
    const finished = new StreamRelay(false)
    relayed(Buffer.from(FRAMES.slice(0, 5).join('')), [], finished)
    expect(finished.complete).toBe(true)
  })

  test('keeps usage on a chunk that has choices, although usage is hidden', () => {
    const frame =
      'data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
    const relay = new StreamRelay(true)
    expect(relayed(Buffer.from(frame), [], relay).whole).toBe(frame)
    expect(relay.usage).not.toBeNull()
  })

  test('never takes an impossible count for usage', () => {
    for (const usage of ['{"prompt_tokens":-1}', '{"prompt_tokens":1.5}', '{"prompt_tokens":"7"}', '[]', '7']) {
      const relay = new StreamRelay(true)
      relayed(Buffer.from(`data: {"choices":[],"usage":${usage}}\n\n`), [], relay)
      expect(relay.usage).toBeNull()
    }
  })

  test('passes a frame that is larger than its memory', () => {
    const frame = `data: ${'x'.repeat(3_000_000)}\n\n`
    const bytes = Buffer.from(frame + FRAMES.join(''))
    const relay = new StreamRelay(false)
    const cuts = Array.from({ length: 60 }, (_, at) => at * 50_000)
    expect(relayed(bytes, cuts, relay).whole).toBe(bytes.toString())
    expect(relay.usage?.output).toBe(3)
  })

  test('sees an error inside of a stream', () => {
    const relay = new StreamRelay(false)
    relayed(Buffer.from('data: {"error":{"message":"overloaded"}}\n\n'), [], relay)
    expect(relay.failed).toBe(true)
  })

  test('does not hide an error with the usage that comes beside it', () => {
    const relay = new StreamRelay(true)
    const frame = 'data: {"error":{"message":"overloaded"},"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    expect(relayed(Buffer.from(frame), [], relay).whole).toBe(frame)
  })
})
