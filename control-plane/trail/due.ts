const HOUR_MS = 3_600_000

/** Digests are due at the full hour, in milliseconds since 1970: restarts and requests in between shift none of them. */
export const nextDigestAt = (lastPeriodEnd: string): number =>
  (Math.floor(Date.parse(lastPeriodEnd) / HOUR_MS) + 1) * HOUR_MS
