import { afterEach, describe, expect, test } from 'vitest'
import { windowOf } from './fake-budgets'
import { answerJson, budget, priceBook, type SpendGateway, startSpendGateway } from './spend-testing'

let started: SpendGateway | null = null
afterEach(async () => {
  await started?.close()
  started = null
})

const ORG = windowOf('bud_org')
/** A dollar for each second. */
const PRICES = priceBook({ input_audio_hour: '3600' })
const COUNTED = { text: 'hello', usage: { type: 'duration', seconds: 1 } }

async function start(answer: object = COUNTED, limit = '100000') {
  const spend = await startSpendGateway(
    { budgets: [budget('bud_org')] },
    { prices: PRICES, answer: answerJson(answer) },
  )
  started = spend
  spend.budgets.limit(ORG, limit)
  const post = async (file: Buffer, more: [string, string][] = []) => {
    const form = new FormData()
    for (const [name, value] of more) form.append(name, value)
    form.append('model', 'whisper-1')
    form.append('file', new Blob([new Uint8Array(file)]), 'a.wav')
    const response = await fetch(`${spend.gateway.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${spend.key}` },
      body: form,
    })
    await response.arrayBuffer()
    return response.status
  }
  return { ...spend, post }
}

async function secondsReserved(file: Buffer, more: [string, string][] = []): Promise<number> {
  const { post, gateway } = await start()
  expect(await post(file, more)).toBe(200)
  return Number(gateway.events()[0]?.spend?.reserved_usd)
}

type Wave = { kind?: number; channels?: number; perSecond?: number; bits?: number; said?: number; block?: number }

function format({ kind = 1, channels = 1, perSecond = 16_000, bits = 16, ...lies }: Wave = {}): Buffer {
  const fmt = Buffer.alloc(24)
  fmt.write('fmt ')
  fmt.writeUInt32LE(16, 4)
  fmt.writeUInt16LE(kind, 8)
  fmt.writeUInt16LE(channels, 10)
  fmt.writeUInt32LE(perSecond, 12)
  fmt.writeUInt32LE(lies.said ?? (perSecond * channels * bits) / 8, 16)
  fmt.writeUInt16LE(lies.block ?? (channels * bits) / 8, 20)
  fmt.writeUInt16LE(bits, 22)
  return fmt
}

const chunk = (name: string, length: number) => {
  const bytes = Buffer.alloc(8 + length)
  bytes.write(name)
  bytes.writeUInt32LE(length, 4)
  return bytes
}

/** So many bytes in all, the chunks before the sound included. */
function wave(length: number, ...chunks: Buffer[]): Buffer {
  const head = Buffer.from('RIFF\0\0\0\0WAVE')
  const before = Buffer.concat([head, ...chunks])
  return Buffer.concat([before, chunk('data', length - before.length - 8)])
}

const LENGTH = 320_000
const SILENT = Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE'), format(), Buffer.alloc(LENGTH - 36)])
/** At the lowest rate that MP3 has. */
const LONGEST = 320

describe('a recording is reserved for as long as its bytes can be', () => {
  test.each<[string, Buffer, number]>([
    ['by the lowest rate of sound that does not say how long it is', Buffer.alloc(LENGTH), LONGEST],
    ['as a WAV file says of itself', wave(LENGTH, format()), 10],
    ['as one says behind other things', wave(LENGTH, chunk('JUNK', 28), format()), 10],
    ['as one says that is played very slowly', wave(LENGTH, format({ perSecond: 100, bits: 8 })), 3_200],
    ['as one with many channels says, within reason', wave(LENGTH, format({ channels: 8, perSecond: 192_000 })), 2],
    ['and not as one says whose rate is not that of its samples', wave(LENGTH, format({ said: 192_000 })), LONGEST],
    ['nor one whose blocks are not', wave(LENGTH, format({ said: 16_000 * 12, block: 12 })), LONGEST],
    ['nor one that is compressed', wave(LENGTH, format({ kind: 0x55 })), LONGEST],
    ['nor one that says it twice', wave(LENGTH, format({ perSecond: 48_000 }), format()), LONGEST],
    ['nor one that says it where it may be read or not', wave(LENGTH, chunk('JUNK', 27), format()), LONGEST],
    ['nor one that never says where its sound begins', SILENT, LONGEST],
  ])('%s', async (_, file, seconds) => {
    expect(await secondsReserved(file)).toBe(seconds)
  })

  test.each(['prompt', 'language', 'comment'])('and never as %s says, which stands before it', async (name) => {
    const forged = wave(60, format({ perSecond: 8_000, channels: 2 })).toString('latin1')
    expect(await secondsReserved(Buffer.alloc(LENGTH), [[name, forged]])).toBe(LONGEST)
  })

  test('so that as many are let through as there is money for, whatever stands before them', async () => {
    const forged = wave(60, format({ perSecond: 8_000, channels: 2 })).toString('latin1')
    const { post, upstream } = await start({ text: 'hello', usage: { type: 'duration', seconds: 300 } }, '650')
    const statuses: number[] = []
    for (let nth = 0; nth < 4; nth++) statuses.push(await post(Buffer.alloc(LENGTH), [['prompt', forged]]))
    expect(statuses.filter((status) => status === 200)).toHaveLength(upstream.requests.length)
    expect(statuses).toEqual([200, 200, 402, 402])
  })
})

test.each(['url', 'file_url', 'FILE_ID'])(
  'sound that is elsewhere (%s) cannot be given beside a file',
  async (name) => {
    const { post, upstream } = await start()
    expect(await post(Buffer.alloc(10), [[name, 'https://example.com/long.wav']])).toBe(422)
    expect(upstream.requests).toHaveLength(0)
  },
)

test('a transcript that nobody counted is charged by what sound usually takes, and never more than was reserved', async () => {
  const { post, gateway } = await start({ text: 'hello' })
  expect(await post(Buffer.alloc(LENGTH))).toBe(200)
  const [event] = gateway.events()
  expect(event?.spend?.reserved_usd).toBe('320.000000000')
  expect(event?.event_cost_attribution).toMatchObject({ total_cost_usd: '80.000000000', price_status: 'estimated' })
})
