import { z } from 'zod'
import { PolicyConfig } from './config/schema'
import { unavailablePaths } from './config/unavailable'
import { POLICY_KINDS } from './kinds/all'

/** As much of JSON Schema 2020-12 as the published one uses. */
export type JsonSchema = {
  type?: string | string[]
  description?: string
  properties?: Record<string, JsonSchema>
  additionalProperties?: boolean | JsonSchema
  required?: string[]
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  enum?: unknown[]
  const?: unknown
  default?: unknown
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  maxLength?: number
}

/** For editors: `public/schema/policy-config.json`. What several keys mean together is left to `kt policy lint`. */
export function policyConfigJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(PolicyConfig, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  for (const path of unavailablePaths()) remove(schema, path.split('.'))
  const chain = schema.properties?.policies?.properties?.chain
  if (chain) chain.items = { enum: POLICY_KINDS.map(({ kind }) => kind) }
  const blocks = schema.properties?.policy?.properties ?? {}
  for (const { kind, summary } of POLICY_KINDS) {
    const block = blocks[kind]
    if (block) block.description = summary
  }
  return {
    ...{ $id: 'https://keeptrusts.com/schema/policy-config.json', title: 'Keeptrusts policy-config.yaml' },
    ...schema,
  }
}

/** What the gateway does not enforce is not offered to anybody who writes a configuration. */
function remove(schema: JsonSchema | undefined, [step, ...rest]: readonly string[]): void {
  if (!schema || step === undefined) return
  if (rest.length > 0) remove(step === '*' ? schema.items : schema.properties?.[step], rest)
  else delete schema.properties?.[step]
}
