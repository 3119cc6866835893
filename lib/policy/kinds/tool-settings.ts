import { z } from 'zod'

export const OnError = z.enum(['deny', 'allow']).default('deny')

/** Of a service that a policy asks. Whether the gateway may go there is for its outbound client to say. */
export const httpAddress = z
  .string()
  .max(2_000)
  .refine((address) => {
    const url = URL.canParse(address) ? new URL(address) : null
    return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  }, 'must be an http or https URL without credentials')

export const SecretRef = z.union([
  z.strictObject({
    env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,199}$/, 'must be the name of an environment variable'),
  }),
  z.strictObject({ store: z.string().min(1).max(200) }),
])
