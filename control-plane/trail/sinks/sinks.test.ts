import { generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, test } from 'vitest'
import { trail } from '@/lib/contract/trail'
import { readCheckpoint } from '@/lib/trail/checkpoint'
import { fromBase64 } from '@/lib/trail/encoding'
import { rawKeyOf } from '@/lib/trail/keys'
import {
  COSIGNATURE_V1,
  cosignature,
  cosignedText,
  formatNoteKey,
  type NoteKey,
  noteKey,
  openNote,
  parseNoteKey,
  signatureLine,
} from '@/lib/trail/note'
import { verifyConsistency } from '@/lib/trail/proof'
import { startControlPlane } from '../../testing'
import { archiveDigests } from '../archive/commands'
import { recording } from '../testing'
import { deliverAll } from './commands'

const plane = await startControlPlane()
const { services } = plane
const servers: Server[] = []
afterAll(async () => {
  for (const server of servers) server.close()
  await plane.stop()
})
const never = new AbortController().signal

async function serve(answer: (request: IncomingMessage, body: string) => { status: number; body?: string }) {
  const server = createServer(async (request, response) => {
    const { status, body = '' } = answer(request, await text(request))
    response.writeHead(status, { connection: 'close' }).end(body)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A witness as C2SP tlog-witness has it, for one log; what it has cosigned is kept before it answers. */
class Witness {
  readonly key: NoteKey
  readonly logs = new Map<string, { key: NoteKey; size: number; root: Uint8Array }>()
  readonly asked: string[] = []
  readonly #secret: KeyObject
  url = ''

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    this.#secret = privateKey
    const raw = rawKeyOf(publicKey.export({ type: 'spki', format: 'der' })) ?? new Uint8Array()
    this.key = noteKey('witness.example/w1', raw, COSIGNATURE_V1)
  }

  async start(): Promise<this> {
    this.url = await serve((request, body) =>
      request.url === '/add-checkpoint' && request.method === 'POST' ? this.#add(body) : { status: 404 },
    )
    return this
  }

  trust(noteKeyText: string): void {
    const key = parseNoteKey(noteKeyText)
    if (key) this.logs.set(key.name, { key, size: 0, root: new Uint8Array(32) })
  }

  #add(body: string): { status: number; body?: string } {
    const end = body.indexOf('\n\n')
    const [first = '', ...proofLines] = body.slice(0, end).split('\n')
    const note = body.slice(end + 2)
    this.asked.push(first)
    const old = /^old (0|[1-9]\d*)$/.exec(first)
    const proof = proofLines.map((line) => fromBase64(line))
    if (end === -1 || !old || proof.length > 63 || proof.includes(null)) return { status: 400 }
    const { origin, size, root } = readCheckpoint(note)
    const log = this.logs.get(origin)
    if (!log) return { status: 404 }
    try {
      openNote(note, [log.key])
    } catch {
      return { status: 403 }
    }
    const from = Number(old[1])
    if (from > size) return { status: 400 }
    if (from !== log.size) return { status: 409, body: `${log.size}\n` }
    const hashes = proof.filter((hash) => hash !== null)
    const isSame = from === size && hashes.length === 0 && Buffer.from(root).equals(Buffer.from(log.root))
    const isGrown =
      from === 0
        ? hashes.length === 0
        : verifyConsistency({ size1: from, size2: size, root1: log.root, root2: root, proof: hashes })
    if (!(from === size ? isSame : isGrown)) return { status: 422 }
    log.size = size
    log.root = root
    const time = Math.floor(Date.now() / 1_000)
    const signature = signBytes(
      null,
      Buffer.from(cosignedText(note.slice(0, note.indexOf('\n\n') + 1), time)),
      this.#secret,
    )
    return { status: 200, body: signatureLine(this.key, cosignature(time, signature)) }
  }
}

async function witnessed() {
  const given = await recording(plane)
  await given.record(3)
  await given.sign()
  const witness = await new Witness().start()
  witness.trust((await given.owner(trail.publicKey, {})).note_key)
  const sink = await given.owner(trail.createSink, {
    kind: 'witness',
    settings: { url: witness.url, key: formatNoteKey(witness.key) },
  })
  return { ...given, witness, sink, deliver: () => given.owner(trail.deliver, { id: sink.id }) }
}

describe('a witness', () => {
  test('cosigns each checkpoint, and its signature is served with it', async () => {
    const { owner, record, sign, witness, deliver } = await witnessed()
    expect(await deliver()).toMatchObject({ last_error: null })
    for (let n = 0; n < 3; n++) {
      await record(20)
      await sign()
      expect(await deliver()).toMatchObject({ last_error: null })
    }
    const { note, tree_size } = await owner(trail.checkpoint, {})
    expect(openNote(note, [witness.key]).verified[0]?.time).toBeGreaterThan(0)
    expect([...witness.logs.values()][0]?.size).toBe(tree_size)
    expect(witness.asked[0]).toBe('old 0')
  })

  test('that has another size says which, and is asked again with a proof from there', async () => {
    const { orgId, witness, record, sign, deliver } = await witnessed()
    await deliver()
    await plane.owner`update trail_sinks set last_size = 1 where org_id = ${orgId}`
    await record(5)
    await sign()
    const size = [...witness.logs.values()][0]?.size
    expect(await deliver()).toMatchObject({ last_error: null })
    expect(witness.asked.slice(-2)).toEqual(['old 1', `old ${size}`])
  })

  test('that has cosigned more than there is says that the log was rolled back', async () => {
    const { witness, deliver } = await witnessed()
    for (const log of witness.logs.values()) log.size = 1_000
    expect((await deliver()).last_error).toMatch(/has cosigned 1000 records; this log has \d+/)
  })

  test('that saw another history accepts no proof', async () => {
    const { orgId, owner, witness, record, sign, deliver } = await witnessed()
    await deliver()
    for (const log of witness.logs.values()) log.root = Buffer.alloc(32, 7)
    await record(1)
    await sign()
    expect((await deliver()).last_error).toContain('422')
    expect((await owner(trail.checkpoint, {})).note).not.toContain('witness.example')
    expect(await deliverAll(services, orgId, never)).toBe(1)
  })

  test.each([
    ['does not know the log', (witness: Witness) => witness.logs.clear(), '404'],
    [
      'does not trust the key',
      (witness: Witness) => {
        const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' })
        const [name] = witness.logs.keys()
        const key = noteKey(name ?? '', rawKeyOf(other) ?? new Uint8Array())
        witness.logs.set(key.name, { key, size: 0, root: new Uint8Array(32) })
      },
      '403',
    ],
  ])('that %s is not asked twice in a row', async (_, change, code) => {
    const { witness, deliver } = await witnessed()
    change(witness)
    expect((await deliver()).last_error).toContain(code)
    expect(witness.asked).toHaveLength(1)
  })

  test('whose signature does not verify has signed nothing', async () => {
    const given = await recording(plane)
    await given.sign()
    const other = await new Witness().start()
    const liar = await serve(() => ({ status: 200, body: signatureLine(other.key, cosignature(1, Buffer.alloc(64))) }))
    const { id } = await given.owner(trail.createSink, {
      kind: 'witness',
      settings: { url: liar, key: formatNoteKey(other.key) },
    })
    expect((await given.owner(trail.deliver, { id })).last_error).toContain('does not verify')
    expect((await given.owner(trail.checkpoint, {})).note).not.toContain('witness.example')
  })
})

describe('a file', () => {
  test('is only added to, whole lines, readable by its owner alone', async () => {
    const { orgId, owner, record, sign } = await recording(plane)
    await sign()
    const { id } = await owner(trail.createSink, { kind: 'file', settings: { name: 'kept.jsonl' } })
    await owner(trail.deliver, { id })
    const path = join(services.sinkRules.directory, orgId, 'kept.jsonl')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await writeFile(path, '{"half', { flag: 'a' })
    await record(2)
    await sign()
    await owner(trail.deliver, { id })
    const [first = '', half, last = '', end] = (await readFile(path, 'utf8')).split('\n')
    expect([half, end]).toEqual(['{"half', ''])
    expect(JSON.parse(first).tree_size).toBeLessThan(JSON.parse(last).tree_size)
    expect(JSON.parse(last).note).toBe((await owner(trail.checkpoint, {})).note)
  })
})

describe('a webhook', () => {
  test('is told the checkpoint; its failure is what the sink says', async () => {
    const { owner, sign } = await recording(plane)
    await sign()
    const told: Record<string, unknown>[] = []
    let status = 204
    const url = await serve((_, body) => {
      told.push(JSON.parse(body))
      return { status }
    })
    const { id } = await owner(trail.createSink, { kind: 'webhook', settings: { url } })
    const ok = await owner(trail.deliver, { id })
    const { note, tree_size } = await owner(trail.checkpoint, {})
    expect(told).toEqual([expect.objectContaining({ type: 'trail.checkpoint', note, tree_size })])
    expect(ok).toMatchObject({ last_size: tree_size, last_error: null })
    status = 500
    expect(await owner(trail.deliver, { id })).toMatchObject({ last_error: 'The webhook answered 500.' })
  })

  test.each(['http://127.0.0.1:1/', 'http://169.254.169.254/latest', 'http://localhost/', 'file:///etc/passwd', 'no'])(
    'is not at %s unless the operator allows it',
    async (url) => {
      const { owner } = await recording(plane)
      const before = services.sinkRules
      services.sinkRules = { ...before, allowPrivateNetwork: false }
      try {
        await expect(owner(trail.createSink, { kind: 'webhook', settings: { url } })).rejects.toMatchObject({
          code: 'invalid_request',
        })
      } finally {
        services.sinkRules = before
      }
    },
  )
})

describe('the object store', () => {
  test('has each digest, and with a sink each checkpoint', async () => {
    const { orgId, owner, record, sign } = await recording(plane)
    const digest = await sign()
    const { id } = await owner(trail.createSink, { kind: 'object_store', settings: {} })
    await record(1)
    await sign()
    await archiveDigests(services, orgId, never)
    const kept = JSON.parse((await services.objects.bytes(digest.storage_key, 20_000)).toString('utf8'))
    expect(kept).toMatchObject({ body: digest.body, signature: digest.signature })
    await owner(trail.deliver, { id })
    const { note, tree_size } = await owner(trail.checkpoint, {})
    const key = `${orgId}/trail/checkpoints/${String(tree_size).padStart(16, '0')}.txt`
    expect((await services.objects.bytes(key, 20_000)).toString('utf8')).toBe(note)
  })

  test('gives away that the newest digest was taken out of the database', async () => {
    const { orgId, record, sign, verify } = await recording(plane)
    await sign()
    await record(3)
    const taken = await sign()
    await archiveDigests(services, orgId, never)
    expect((await verify({ deep: false })).findings).toEqual([])
    await plane.owner`delete from trail_digests where org_id = ${orgId} and number = ${taken.number}`
    const result = await verify({ deep: false })
    expect(result).toMatchObject({
      chain_integrity: 'invalid',
      findings: [{ state: 'TAIL_MISSING', digest_id: taken.digest_id }],
    })
  })

  test('cannot be asked to retain where it is a disk', async () => {
    const { owner } = await recording(plane)
    await expect(
      owner(trail.createSink, { kind: 'object_store', settings: { retain_days: '30' } }),
    ).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

test('sinks are made, switched, listed and removed, each with an entry', async () => {
  const { home, owner, orgId, sign } = await recording(plane)
  await sign()
  const { id } = await owner(trail.createSink, { kind: 'file', settings: {} })
  expect(await owner(trail.updateSink, { id, enabled: false })).toMatchObject({ enabled: false })
  expect(await deliverAll(services, orgId, never)).toBe(0)
  expect((await owner(trail.sinks, {})).items).toMatchObject([{ id, last_size: 0 }])
  await owner(trail.updateSink, { id, enabled: true })
  await deliverAll(services, orgId, never)
  expect((await owner(trail.sinks, {})).items[0]?.last_size).toBeGreaterThan(0)
  await owner(trail.deleteSink, { id })
  expect((await owner(trail.sinks, {})).items).toEqual([])
  expect((await home.recorded()).filter((entry) => entry.includes('sink'))).toEqual([
    'owner trail.sink_created',
    'owner trail.sink_updated',
    'owner trail.sink_updated',
    'owner trail.sink_deleted',
  ])
  for (const settings of <Record<string, string>[]>[{ name: '../x' }, { name: '/etc/x' }, { path: 'x' }]) {
    await expect(owner(trail.createSink, { kind: 'file', settings })).rejects.toMatchObject({ code: 'invalid_request' })
  }
  await expect(
    owner(trail.createSink, { kind: 'witness', settings: { url: 'https://w.example', key: 'no' } }),
  ).rejects.toMatchObject({ code: 'invalid_request' })
})
