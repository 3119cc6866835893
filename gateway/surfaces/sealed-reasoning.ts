import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { parseJson } from '@/lib/parse-json'
import { fieldsOf } from '../meter'
import type { Json } from '../providers/adapter'
import { listOf } from '../providers/completion'

const SEAL = 'kt2.'
const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
/**
 * Of this process: what it sealed nobody else can read or make. Policies cannot look into sealed thoughts, so a caller must
 * not be able to write any, nor to read what a provider thought.
 */
const KEY = randomBytes(32)

/** Signed thoughts travel to the caller and back as what the Responses API calls encrypted content. */
export function sealReasoning(details: readonly Json[]): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, KEY, iv)
  const sealed = Buffer.concat([
    iv,
    cipher.update(JSON.stringify(details), 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ])
  return SEAL + sealed.toString('base64url')
}

/** What another process or OpenAI itself sealed cannot be opened; thoughts are only ever a help. */
export function openReasoning(sealed: string | null): Json[] {
  if (sealed === null || !sealed.startsWith(SEAL)) return []
  const bytes = Buffer.from(sealed.slice(SEAL.length), 'base64url')
  if (bytes.length < IV_BYTES + TAG_BYTES) return []
  try {
    const decipher = createDecipheriv(CIPHER, KEY, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
    const details: unknown = parseJson(text.toString('utf8'))
    return listOf(details)
      .map(fieldsOf)
      .filter((one) => one !== null)
  } catch {
    return [] // damaged on its way, or made by somebody else
  }
}
