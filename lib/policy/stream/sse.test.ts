import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeEvent, joinBytes, readFrame, SseDecoder, withData } from './sse'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (raw: Uint8Array | null) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(raw ?? new Uint8Array(0))

function cut(whole: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set([0, ...cuts.map((n) => n % (whole.length + 1)), whole.length])].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => whole.subarray(at[index], end))
}

function decode(chunks: readonly Uint8Array[], frameBytesMax = 1_000_000) {
  const decoder = new SseDecoder(frameBytesMax)
  const frames = chunks.flatMap((chunk) => decoder.push(chunk))
  return { frames, rest: decoder.end(), decoder }
}

const lineEnding = fc.constantFrom('\n', '\r\n', '\r')
const value = fc.array(fc.constantFrom('a', ' ', ':', '猫', '🙂', 'é', '\uFEFF', '{"x":1}'), { maxLength: 6 })
const line = fc.tuple(
  fc.constantFrom('data', 'event', 'id', 'retry', '', 'other'),
  fc.constantFrom(':', ': ', ''),
  value,
)
const frame = fc.tuple(fc.array(line, { minLength: 1, maxLength: 4 }), lineEnding).map(([lines, ending]) => {
  const written = lines.map(([field, colon, characters]) => {
    const content = `${field}${colon}${characters.join('')}`
    return `${content === '' ? ':' : content}${ending}`
  })
  return `${written.join('')}${ending}`
})
const stream = fc.tuple(
  fc.constantFrom('', '\uFEFF'),
  fc.array(frame, { maxLength: 6 }),
  fc.constantFrom('', 'data: rest'),
)

describe('decoding server-sent events', () => {
  it('gives the same events whatever the chunking, and loses no byte', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(500), { maxLength: 12 }), ([bom, frames, rest], cuts) => {
        const whole = bytes(bom + frames.join('') + rest)
        const once = decode([whole])
        const split = decode(cut(whole, cuts))
        expect(once.frames.length).toBe(frames.length)
        expect(split.frames.map(readFrame)).toEqual(once.frames.map(readFrame))
        const all = [...split.frames, ...(split.rest === null ? [] : [split.rest])]
        expect(text(joinBytes(all))).toBe(text(whole))
      }),
      { numRuns: 500 },
    )
  })

  it('gives the same events when every byte comes alone', () => {
    const whole = bytes('\uFEFF: hello\r\n\r\nevent: x\r\ndata: 猫\r\ndata:🙂\r\n\r\ndata\n\n')
    const frames = decode([...whole].map((byte) => Uint8Array.of(byte))).frames.map(readFrame)
    expect(frames).toEqual([
      { event: null, data: null, id: null, retryMs: null },
      { event: 'x', data: '猫\n🙂', id: null, retryMs: null },
      { event: null, data: '', id: null, retryMs: null },
    ])
  })

  it('reads id and retry as the grammar says', () => {
    expect(readFrame(bytes('id: 7\nretry: 250\ndata:  two spaces\n\n'))).toEqual({
      event: null,
      data: ' two spaces',
      id: '7',
      retryMs: 250,
    })
    expect(readFrame(bytes('id: a\0b\nretry: soon\n\n'))).toEqual({ event: null, data: null, id: null, retryMs: null })
  })

  it('does not keep a frame that is too long, and gives nothing that comes after it', () => {
    const { frames, rest, decoder } = decode(
      [bytes('data: ok\n\n'), bytes(`data: ${'x'.repeat(50)}`), bytes('\n\ndata: y\n\n')],
      40,
    )
    expect(frames.map(text)).toEqual(['data: ok\n\n'])
    expect(rest).toBeNull()
    expect(decoder.oversize).toBe(true)
    expect(decoder.pendingBytes).toBe(0)
  })
})

describe('encoding server-sent events', () => {
  it('replaces the data and nothing else', () => {
    const raw = bytes('\uFEFF: note\r\nevent: delta\r\ndata: {"a":1,\r\ndata: "b":2}\r\nid: 9\r\n\r\n')
    expect(text(withData(raw, '{"a":1}'))).toBe('\uFEFF: note\r\nevent: delta\r\ndata: {"a":1}\r\nid: 9\r\n\r\n')
  })

  it('keeps a frame that nothing closed open', () => {
    expect(text(withData(bytes('event: x\ndata: a'), 'b\nc'))).toBe('event: x\ndata: b\ndata: c\n')
  })

  it('comes back as it was, for any data', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (data) => {
        const { frames } = decode([encodeEvent({ event: 'e', data, id: '1' })])
        expect(frames.map(readFrame)).toEqual([
          { event: 'e', data: data.replace(/\r\n|\r/g, '\n'), id: '1', retryMs: null },
        ])
        expect(frames.map((raw) => readFrame(withData(raw, data)).data)).toEqual([data.replace(/\r\n|\r/g, '\n')])
      }),
    )
  })

  it('lets no line break of a field begin another field', () => {
    expect(text(encodeEvent({ event: 'a\ndata: b', data: 'c' }))).toBe('event: a data: b\ndata: c\n\n')
  })
})
