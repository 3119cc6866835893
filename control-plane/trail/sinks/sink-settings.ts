import { z } from 'zod'
import type { SinkKind } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import { AddressNotAllowed } from '@/lib/public-address'
import { parseNoteKey } from '@/lib/trail/note'
import type { Services } from '../../context'
import { checkedUrl } from '../../outbound'
import { nativePrimitives } from '../native-primitives'
import type { SinkSettings } from './sink'
import { isWitnessKey } from './witness'

const RETAIN_DAYS_MAX = 3_650

const url = z.string().max(2_000)
const SETTINGS = {
  file: z.strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,79}$/, 'must be a file name: 1-80 lower-case letters, digits, dots, dashes')
      .default('checkpoints.jsonl'),
  }),
  webhook: z.strictObject({ url }),
  object_store: z.strictObject({
    retain_days: z
      .string()
      .regex(/^[1-9]\d{0,3}$/, 'must be a number of days')
      .refine((text) => Number(text) <= RETAIN_DAYS_MAX, `must be at most ${RETAIN_DAYS_MAX}`)
      .optional(),
  }),
  witness: z.strictObject({ url, key: z.string().max(1_100) }),
} satisfies Record<SinkKind, z.ZodType>

/**
 * Settings of a new sink as they are stored.
 *
 * @throws AppError `invalid_request` saying which is wrong
 */
export function checkedSettings(services: Services, kind: SinkKind, given: SinkSettings): SinkSettings {
  const parsed = SETTINGS[kind].safeParse(given)
  if (!parsed.success) {
    const errors = parsed.error.issues.map(({ path, message }) => ({ path: ['settings', ...path].join('.'), message }))
    throw new AppError('invalid_request', errors.map(({ path, message }) => `${path}: ${message}`).join('; '), {
      errors,
    })
  }
  const settings: SinkSettings = Object.fromEntries(
    Object.entries(parsed.data).filter(([, value]) => value !== undefined),
  )
  if (settings.url !== undefined) assertAddress(settings.url, services.sinkRules.allowPrivateNetwork)
  if (kind === 'witness' && !isWitnessKey(parseNoteKey(settings.key ?? '', nativePrimitives))) {
    throw refused(
      'settings.key',
      'must be a cosignature key as C2SP writes it: <name>+<key id>+<base64 of 0x04 and the key>',
    )
  }
  if (settings.retain_days !== undefined && !services.objects.canRetain) {
    throw refused('settings.retain_days', 'this object store cannot retain: only S3 with object lock can')
  }
  return settings
}

function assertAddress(address: string, allowPrivateNetwork: boolean): void {
  try {
    checkedUrl(address, allowPrivateNetwork)
  } catch (error) {
    if (error instanceof AddressNotAllowed) throw refused('settings.url', error.message)
    throw error
  }
}

const refused = (path: string, message: string) =>
  new AppError('invalid_request', `${path}: ${message}`, { errors: [{ path, message }] })
