import { z } from 'zod'
import { PolicyConfig } from './config/schema'

/** For editors: `public/schema/policy-config.json`. What several keys mean together is left to `kt policy lint`. */
export const policyConfigJsonSchema = (): unknown => ({
  $id: 'https://keeptrusts.com/schema/policy-config.json',
  title: 'Keeptrusts policy-config.yaml',
  ...z.toJSONSchema(PolicyConfig, { io: 'input' }),
})
