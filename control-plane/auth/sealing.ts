import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/**
 * Encryption of what must be read back, such as an answer kept for an idempotent repeat (AES-256-GCM), and marks on what
 * others keep for us, such as cursors (HMAC-SHA-256). Keys by HKDF.
 */
export class Sealing {
  readonly #key: Buffer
  readonly #macKey: Buffer

  /** @param secretKey KEEPTRUSTS_SECRET_KEY, at least 32 bytes */
  constructor(secretKey: Buffer) {
    if (secretKey.length < 32) throw new Error('KEEPTRUSTS_SECRET_KEY must hold at least 32 bytes.')
    this.#key = Buffer.from(hkdfSync('sha256', secretKey, '', 'keeptrusts sealing v1', 32))
    this.#macKey = Buffer.from(hkdfSync('sha256', secretKey, '', 'keeptrusts marks v1', 32))
  }

  /** 32 bytes that nobody without the secret key can make for these bytes. `use` keeps marks of one use from serving another. */
  mac(use: 'cursor', bytes: Buffer): Buffer {
    return createHmac('sha256', this.#macKey).update(`${use}\n`).update(bytes).digest()
  }

  /** @returns base64 of nonce, tag and ciphertext */
  seal(text: string): string {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
  }

  /** @throws Error when the text was not sealed with this key or was changed */
  open(sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12))
    decipher.setAuthTag(bytes.subarray(12, 28))
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
  }
}
