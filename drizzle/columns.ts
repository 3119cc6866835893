import { customType } from 'drizzle-orm/pg-core'

/**
 * `timestamptz` read as RFC 3339 in UTC with six fractional digits. PostgreSQL prints its own format, which is not
 * ISO 8601; connections set `TimeZone=UTC` (control-plane/database.ts), so the offset is always `+00`.
 */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => 'timestamp (6) with time zone',
  fromDriver: instantOf,
})

/** A `timestamptz` as PostgreSQL prints it, in that form. */
export function instantOf(text: string): string {
  const [date, time = ''] = text.replace('+00', '').split(' ')
  const [seconds, fraction = ''] = time.split('.')
  return `${date}T${seconds}.${fraction.padEnd(6, '0')}Z`
}
