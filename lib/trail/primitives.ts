import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'

/** What the trail needs of cryptography. A server passes the faster functions of its runtime. */
export type Primitives = {
  /** 32 bytes. Must not keep `bytes`, which are overwritten after the call. */
  sha256: (bytes: Uint8Array) => Uint8Array
  /** RFC 8032, over 32 bytes of key and 64 of signature; other lengths are false, never an exception. */
  verifyEd25519: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
  /** The same on other threads, where a runtime has some for it: of many at once, each on its own. */
  verifyEd25519Aside?: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>
}

/** Runs everywhere, browsers included. */
export const portable: Primitives = {
  sha256: (bytes) => sha256(bytes),
  verifyEd25519: (publicKey, message, signature) => {
    if (publicKey.length !== 32 || signature.length !== 64) return false
    try {
      // Strict as RFC 8032 and OpenSSL are; ZIP 215, the default, takes more.
      return ed25519.verify(signature, message, publicKey, { zip215: false })
    } catch {
      // Bytes that are no point of the curve sign nothing.
      return false
    }
  },
}
