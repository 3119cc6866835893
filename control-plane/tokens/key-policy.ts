import type { SecuritySettings } from '@/lib/contract/settings'
import { AppError } from '@/lib/errors'

type KeyPolicy = Pick<SecuritySettings, 'key_lifetime_days_max' | 'key_expiry_required'>
type Secret = { expiresAt: string | null /** When the secret in question was made. */; bornAt: Date; now: Date }

const refuse = (code: 'invalid_request' | 'unprocessable', message: string) =>
  new AppError(code, `expires_at: ${message}`, { errors: [{ path: 'expires_at', message }] })

/**
 * Lifetime counts from the making of the secret, so a rotation renews it.
 *
 * @throws AppError `invalid_request` for a time that has passed, `unprocessable` for what the organisation does not allow
 */
export function assertLifetime(policy: KeyPolicy, { expiresAt, bornAt, now }: Secret): void {
  const days = policy.key_lifetime_days_max
  if (expiresAt === null) {
    if (!policy.key_expiry_required && days === null) return
    const bound = days === null ? '' : ` within ${days} days`
    throw refuse('unprocessable', `the security settings require that a key expires${bound}`)
  }
  const expiresMs = Date.parse(expiresAt)
  if (expiresMs <= now.getTime()) throw refuse('invalid_request', 'must be in the future')
  if (expiresMs > LATEST_MS) throw refuse('invalid_request', 'must lie before the year 10000')
  if (days !== null && expiresMs > bornAt.getTime() + days * 86_400_000 + CLOCK_SLACK_MS) {
    throw refuse('unprocessable', `the security settings allow a key to live at most ${days} days`)
  }
}

/** A caller computes "in 90 days" by its own clock, a little before or after ours. */
const CLOCK_SLACK_MS = 600_000

const LATEST_MS = Date.UTC(9999, 11, 31)
