import { z } from 'zod'
import { endpoint } from './endpoint'
import { CAPTURES } from './events'
import { instant } from './fields'

/** Shorter, and a month could be dropped before its gateways have delivered the last of it. */
export const RETENTION_DAYS_MIN = 7
/** A hundred years. */
export const RETENTION_DAYS_MAX = 36_500

/** Every value is enforced where it applies; docs/security-model.md says where. */
const SecurityValues = z.object({
  session_idle_minutes: z.number().int().min(5).max(1_440),
  session_absolute_hours: z.number().int().min(1).max(720),
  key_lifetime_days_max: z
    .number()
    .int()
    .min(1)
    .max(3_650)
    .nullable()
    .describe('A new or changed key may not live longer; null sets no bound.'),
  key_expiry_required: z.boolean(),
  payload_capture: z
    .enum(CAPTURES)
    .describe(
      'What gateways keep of requests and answers: their hashes only, the content with personal data and secrets masked, or every byte.',
    ),
  events_retention_days: z
    .number()
    .int()
    .min(RETENTION_DAYS_MIN)
    .max(RETENTION_DAYS_MAX)
    .nullable()
    .describe('Events are dropped by whole months once they are older; null keeps them for ever.'),
  payloads_retention_days: z
    .number()
    .int()
    .min(1)
    .max(RETENTION_DAYS_MAX)
    .nullable()
    .describe('Captured content is erased once it is older; null keeps it as long as its event.'),
  max_offline_key_age_seconds: z
    .number()
    .int()
    .min(0)
    .max(30 * 86_400)
    .describe('How long a gateway trusts the keys it knows without word from the control plane.'),
})
export const SecuritySettings = SecurityValues.extend({ updated_at: instant })
export type SecuritySettings = z.infer<typeof SecuritySettings>

/** In force until somebody changes them. */
export const SECURITY_DEFAULTS: z.infer<typeof SecurityValues> = {
  session_idle_minutes: 30,
  session_absolute_hours: 12,
  key_lifetime_days_max: null,
  key_expiry_required: false,
  payload_capture: 'redacted',
  events_retention_days: null,
  payloads_retention_days: null,
  max_offline_key_age_seconds: 86_400,
}
const EXAMPLE = { ...SECURITY_DEFAULTS, updated_at: '2026-03-01T09:00:00.000Z' }

export const settings = {
  getSecurity: endpoint({
    name: 'settings.getSecurity',
    method: 'GET',
    path: '/v1/settings/security',
    access: 'settings:read',
    input: z.strictObject({}),
    output: SecuritySettings,
    summary: 'Read the security settings',
    example: { input: {}, output: EXAMPLE },
  }),
  updateSecurity: endpoint({
    name: 'settings.updateSecurity',
    method: 'PATCH',
    path: '/v1/settings/security',
    access: 'settings:write',
    input: z.strictObject(SecurityValues.partial().shape),
    output: SecuritySettings,
    summary: 'Change security settings',
    example: { input: { key_expiry_required: true }, output: { ...EXAMPLE, key_expiry_required: true } },
  }),
}
