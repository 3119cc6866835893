import { z } from 'zod'

/** The gateway's own secrets must not be sent to an address that a configuration chooses. */
const OWN_ENVIRONMENT = /^(KEEPTRUSTS_.*|DATABASE_URL|NEXTAUTH_.*|AUTH_SECRET)$/

/** Where a secret is found: never the secret itself, because configurations are read by many. */
export const SecretKeyRef = z.strictObject({
  env: z
    .string()
    .max(200)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
    .refine(
      (name) => !OWN_ENVIRONMENT.test(name),
      "is one of the gateway's own secrets and cannot be sent to a provider",
    )
    .describe('Environment variable of the gateway process that holds the secret.'),
})
export type SecretKeyRef = z.infer<typeof SecretKeyRef>
