/** A private key, wherever it is held. `publicKey` is its SPKI (RFC 8410); `kid` the first 16 bytes of SHA-256 over that, hex. */
export type SigningKey = {
  kid: string
  publicKey: Uint8Array
  /** Ed25519 (RFC 8032) over exactly these bytes: 64 bytes. */
  sign: (bytes: Uint8Array) => Promise<Uint8Array>
}

/**
 * Where the keys of trails are held: files (file-signer.ts), or a PKCS#11 token or key management service behind the same
 * three functions. Never the database: who can rewrite records must not be able to sign them.
 *
 * Keys are per organisation. Which of them signs is for the database to say (trail_keys); a holder forgets none by itself,
 * because after the restore of an older backup an older one is wanted again.
 */
export type TrailSigner = {
  /** Null when this holder does not have it. */
  open: (orgId: string, kid: string) => Promise<SigningKey | null>
  /** Makes a key; it is durable when this returns. */
  create: (orgId: string) => Promise<SigningKey>
  /** Forgets a key that was made and never used. */
  discard: (orgId: string, kid: string) => Promise<void>
}
