import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kidOf } from '@/lib/trail/keys'
import { nativePrimitives } from '../native-primitives'
import type { SigningKey, TrailSigner } from './trail-signer'

const ORG = /^org_[0-9a-z]{1,60}$/
const KID = /^[0-9a-f]{32}$/

/** Keys as PKCS#8 files (PEM, 0600), `<directory>/<org id>/<kid>.pem`. */
export class FileSigner implements TrailSigner {
  readonly #directory: string
  readonly #opened = new Map<string, SigningKey>()

  constructor(directory: string) {
    this.#directory = directory
  }

  async open(orgId: string, kid: string): Promise<SigningKey | null> {
    const path = this.#pathOf(orgId, kid)
    const known = this.#opened.get(path)
    if (known) return known
    const pem = await readFile(path).catch(ignoreMissing)
    if (!pem) return null
    const key = signingKey(createPrivateKey(pem))
    if (key.kid !== kid) throw new Error(`The key in ${path} is another one than its name says.`)
    this.#opened.set(path, key)
    return key
  }

  /** The file gets its name once it is whole and on the disk: a crash leaves no half of a key. */
  async create(orgId: string): Promise<SigningKey> {
    const { privateKey } = await promisify(generateKeyPair)('ed25519')
    const key = signingKey(privateKey)
    const path = this.#pathOf(orgId, key.kid)
    const directory = join(this.#directory, orgId)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const file = await open(`${path}.new`, 'wx', 0o600)
    try {
      await file.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
    for (const made of [directory, this.#directory]) await syncDirectory(made)
    return key
  }

  async discard(orgId: string, kid: string): Promise<void> {
    const path = this.#pathOf(orgId, kid)
    this.#opened.delete(path)
    await rm(path, { force: true })
  }

  #pathOf(orgId: string, kid: string): string {
    if (!ORG.test(orgId) || !KID.test(kid)) throw new Error('A key has no such name.')
    return join(this.#directory, orgId, `${kid}.pem`)
  }
}

function signingKey(key: KeyObject): SigningKey {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return { kid: kidOf(publicKey, nativePrimitives), publicKey, sign: async (bytes) => sign(null, bytes, key) }
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
