import { z } from 'zod'
import { SecretKeyRef } from '@/lib/policy/config/secret-key-ref'
import { compilePattern } from '@/lib/policy/engine/pattern'

/** What happens to a request when a policy itself fails; the same key on every kind. */
export const onError = z.enum(['deny', 'allow']).default('deny')

const TERMS_MAX = 2_000
const PATTERNS_MAX = 200
const PATTERN_LENGTH_MAX = 1_000

/** Words and phrases, compared without regard to case. */
export const terms = z.array(z.string().trim().min(2).max(200)).max(TERMS_MAX)

export const pattern = z.string().min(1).max(PATTERN_LENGTH_MAX).superRefine(assertPattern)

export const patterns = z.array(pattern).max(PATTERNS_MAX)

/** Edit distance for `fuzzy_matching`. */
export const maxDistance = z.number().int().min(0).max(8)

/** Text that the gateway writes into answers. */
export const wording = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .regex(/^[^\x00-\x08\x0b-\x1f\x7f]*$/, 'must not contain control characters')

export const ratio = z.number().min(0).max(1)

export const timeoutMs = z.number().int().min(1).max(60_000)

/** Compared in lower case, as a caller's headers are kept. */
export const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must be the name of an HTTP header')
  .transform((name) => name.toLowerCase())

export const secretKeyRef = SecretKeyRef

/** Whether an address may be reached is decided by the gateway when it is asked, not here. */
export const endpoint = z
  .string()
  .max(2_000)
  .refine(isAddress, 'must be an absolute http or https URL without credentials and without a fragment')

function isAddress(text: string): boolean {
  // URL drops tabs and line breaks in silence, so they are looked for first.
  if (!/^[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.hash
}

function assertPattern(source: string, context: z.RefinementCtx) {
  try {
    compilePattern(source, { ignoreCase: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : 'is no regular expression'
    context.addIssue({ code: 'custom', message })
  }
}
