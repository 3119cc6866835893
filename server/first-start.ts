import { z } from 'zod'

/** The gateway that `npm start` runs. */
export const GATEWAY_ID = 'local'

/** Its key (purpose gateway_runtime), in the data directory. */
export const GATEWAY_TOKEN_FILE = 'gateway-token'

/** What the banner shows once; written before the change that it describes, removed when it has been shown. */
export const FIRST_START_FILE = 'first-start.json'

export const FirstStart = z.object({
  admin_email: z.string(),
  /** Absent when the operator chose it. */
  admin_password: z.string().optional(),
  gateway_key: z.string().optional(),
})
export type FirstStart = z.infer<typeof FirstStart>
