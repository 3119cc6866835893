import { z } from 'zod'

const count = z.int().min(1).max(1_000_000_000)

const Limit = z.strictObject({
  rpm: count.optional().describe('Requests per minute.'),
  tpm: count.optional().describe('Tokens per minute, input and output together.'),
  max_parallel_requests: z.int().min(1).max(100_000).optional().describe('Requests under way at the same time.'),
})
export type LimitConfig = z.infer<typeof Limit>

const MIB = 1_048_576

const SizeLimits = z.strictObject({
  max_body_bytes: z
    .int()
    .min(1_024)
    .max(128 * MIB)
    .default(10 * MIB)
    .describe('Longest body of a request, in bytes.'),
  max_header_bytes: z.int().min(1_024).max(65_536).default(16_384).describe('All headers of a request, in bytes.'),
  max_response_bytes: z
    .int()
    .min(1_024)
    .max(1_024 * MIB)
    .default(64 * MIB)
    .describe('Longest answer of a provider, in bytes after decompression.'),
})

export const Limits = z.strictObject({
  global: Limit.optional().describe('All requests of the organisation together.'),
  per_key: Limit.optional().describe('Each gateway key.'),
  per_user: Limit.optional().describe('Each user that a key names in the header `x-user-id`.'),
  per_team: Limit.optional().describe('Each team.'),
  per_ip: Limit.optional().describe('Each address of a caller, as `network.trust_proxy_depth` sees it.'),
  size: SizeLimits.prefault({}).describe('Bounds on what is read.'),
  backend: z
    .enum(['memory', 'redis'])
    .default('memory')
    .describe(
      'Where windows are counted: by the gateways, in slices of the control plane where there are several, or in `gateway.redis`.',
    ),
})

/** An IPv4 or IPv6 network; the address in it is checked where it is compiled. */
const cidr = z.string().max(64).refine(isCidr, 'must be an address or a network such as 10.0.0.0/8 or 2001:db8::/32')

function isCidr(text: string): boolean {
  const v4 = /^((25[0-5]|2[0-4]\d|1?\d?\d)(\.|(?=\/|$))){4}(\/([12]?\d|3[0-2]))?$/
  if (v4.test(text)) return true
  const [address, bits, more] = text.split('/')
  if (more !== undefined || !address?.includes(':')) return false
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= 128)) return false
  return URL.canParse(`http://[${address}]/`)
}

const origin = z
  .string()
  .max(300)
  .refine(
    (text) => text === '*' || (URL.canParse(text) && new URL(text).origin === text),
    'must be "*" or an origin such as https://app.example.com',
  )
const method = z.enum(['GET', 'POST', 'DELETE', 'OPTIONS'])
const fieldName = z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'must be the name of an HTTP header')

const Cors = z.strictObject({
  allow_origins: z.array(origin).min(1).max(100).describe('Origins of pages that may call the gateway from a browser.'),
  allow_methods: z.array(method).max(4).default(['GET', 'POST', 'OPTIONS']).describe('Methods they may use.'),
  allow_headers: z
    .array(fieldName)
    .max(100)
    .default(['Authorization', 'Content-Type', 'X-Request-Id', 'X-Conversation-Id', 'X-Keeptrusts-Agent-Id'])
    .describe('Headers they may send.'),
  expose_headers: z
    .array(fieldName)
    .max(100)
    .default(['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Retry-After'])
    .describe('Headers of answers they may read.'),
  credentials: z.boolean().default(false).describe('Whether they may send cookies.'),
  max_age_seconds: z.int().min(0).max(86_400).default(3_600).describe('How long a browser may remember this.'),
})

export const Network = z.strictObject({
  trust_proxy_depth: z
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe(
      'How many proxies before the gateway are trusted to say who called (`X-Forwarded-For`). Too many let callers invent their address.',
    ),
  ip_allowlist: z
    .strictObject({ cidrs: z.array(cidr).min(1).max(1_000).describe('Addresses and networks that may call.') })
    .optional()
    .describe('Without it everybody may call.'),
  private_hosts: z
    .array(
      z
        .string()
        .regex(
          /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/,
          'must be a host such as localhost:8080',
        ),
    )
    .max(100)
    .default([])
    .describe(
      'Hosts of this machine or network that policies may ask, such as a judge or Presidio; all others must be public.',
    ),
  cors: Cors.optional().describe('Without it pages of other origins may not call.'),
})

export const Cache = z.strictObject({
  mode: z.enum(['exact']).default('exact').describe('An answer is used again for the very same request.'),
  backend: z
    .enum(['memory', 'disk', 'redis'])
    .default('memory')
    .describe('Where answers are kept; `redis` is shared through `gateway.redis`.'),
  ttl_seconds: z
    .int()
    .min(1)
    .max(2_592_000)
    .default(3_600)
    .describe('How long an answer may be used again, in seconds.'),
  max_entries: z.int().min(1).max(1_000_000).default(10_000).describe('Answers kept at most.'),
  max_bytes: z
    .int()
    .min(MIB)
    .max(1_024 * 1_024 * MIB)
    .default(64 * MIB)
    .describe('Bytes kept at most, in memory or on disk.'),
})
