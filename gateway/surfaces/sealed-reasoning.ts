import { fieldsOf } from '../meter'
import type { Json } from '../providers/adapter'
import { listOf } from '../providers/completion'

const SEAL = 'kt1.'

/** Signed thoughts travel to the caller and back as what the Responses API calls encrypted content. */
export const sealReasoning = (details: readonly Json[]): string =>
  SEAL + Buffer.from(JSON.stringify(details)).toString('base64url')

/** What another gateway or OpenAI itself sealed cannot be opened; thoughts are only ever a help. */
export function openReasoning(sealed: string | null): Json[] {
  if (sealed === null || !sealed.startsWith(SEAL)) return []
  try {
    const details: unknown = JSON.parse(Buffer.from(sealed.slice(SEAL.length), 'base64url').toString('utf8'))
    return listOf(details)
      .map(fieldsOf)
      .filter((one) => one !== null)
  } catch {
    return [] // damaged on its way
  }
}
