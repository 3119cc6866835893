import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Signs bundles with Ed25519 (RFC 8032). The private key lives in a file outside the database, mode 0600. */
export class Signer {
  readonly #key: KeyObject
  /** SPKI, base64. */
  readonly publicKey: string
  /** First 16 bytes of SHA-256 over the SPKI, hex. */
  readonly kid: string

  constructor(key: KeyObject) {
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
    this.#key = key
    this.publicKey = spki.toString('base64')
    this.kid = createHash('sha256').update(spki).digest('hex').slice(0, 32)
  }

  /** Reads the key, or makes one on the first start. */
  static fromFile(path: string): Signer {
    if (existsSync(path)) return new Signer(createPrivateKey(readFileSync(path)))
    const { privateKey } = generateKeyPairSync('ed25519')
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' })
    return new Signer(privateKey)
  }

  static ephemeral(): Signer {
    return new Signer(generateKeyPairSync('ed25519').privateKey)
  }

  /** @returns base64 of the 64-byte signature */
  sign(payload: Uint8Array): string {
    return sign(null, payload, this.#key).toString('base64')
  }
}
