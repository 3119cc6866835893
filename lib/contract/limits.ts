import { z } from 'zod'
import { endpoint } from './endpoint'
import { instant, slug } from './fields'

const LEASES_PER_ASK_MAX = 100

/**
 * What every gateway may let through of a window without asking, so that the first requests of a window do not wait: a
 * quarter of an equal share, and at least one where there is one for each.
 */
export const ownShareOf = (max: number, gateways: number): number =>
  Math.floor(max / (4 * gateways)) || (max >= gateways ? 1 : 0)

const amount = z.number().int().min(0).max(1_000_000_000)

export const LimitLeaseAsk = z.strictObject({
  /** Name of the limit, such as `key-requests`. */
  name: z.string().regex(/^[a-z-]{1,40}$/),
  /** Whose it is, such as the id of a key or an address. */
  holder: z.string().max(200),
  /** Length of the window and when it began, in milliseconds; it begins at a whole multiple of its length. */
  window_ms: z.number().int().min(1_000).max(86_400_000),
  window_start_ms: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  /** The limit as the running configuration states it. */
  max: amount,
  wanted: amount.min(1),
})
export type LimitLeaseAsk = z.infer<typeof LimitLeaseAsk>

export const LimitLeases = z.object({
  /** In the order in which they were asked for; zero when nothing is left. */
  granted: z.array(z.number().int()),
  /** Gateways of the organisation that have reported in the last ten minutes, the asking one among them. */
  gateways: z.number().int(),
  server_time: instant,
})
export type LimitLeases = z.infer<typeof LimitLeases>

export const limits = {
  lease: endpoint({
    name: 'limits.lease',
    method: 'POST',
    path: '/v1/gateways/:id/limit-leases',
    access: 'gateways:report',
    input: z.strictObject({ id: slug, asks: z.array(LimitLeaseAsk).max(LEASES_PER_ASK_MAX) }),
    output: LimitLeases,
    summary: 'Take slices of rate limit windows that gateways share (gateways)',
    description:
      'Each answer grants at most what is asked and never more than is left of the window; slices become smaller as the limit nears.',
    example: {
      input: {
        id: 'proxy_production_01',
        asks: [
          {
            name: 'key-requests',
            holder: 'tok_019a6f0e1c2d7000a1b2c3d4e5f60718',
            window_ms: 60_000,
            window_start_ms: 1_774_008_300_000,
            max: 600,
            wanted: 100,
          },
        ],
      },
      output: { granted: [100], gateways: 2, server_time: '2026-03-20T12:05:00.000Z' },
    },
  }),
}
