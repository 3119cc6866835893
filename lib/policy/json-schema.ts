import { z } from 'zod'
import { PolicyConfig } from './config/schema'
import { SETTING_MEANINGS } from './config/setting-meanings'
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
    if (!block) continue
    block.description = summary
    explain(block, kind, '')
  }
  return {
    ...{ $id: 'https://keeptrusts.com/schema/policy-config.json', title: 'Keeptrusts policy-config.yaml' },
    ...schema,
  }
}

/** Gives every setting of a kind its meaning. */
function explain(schema: JsonSchema, kind: string, path: string): void {
  const branches = schema.anyOf ?? schema.oneOf
  // Stored secrets are refused, so they are not offered either.
  if (branches) schema.anyOf = branches.filter(({ properties }) => !(properties && Object.hasOwn(properties, 'store')))
  for (const branch of schema.anyOf ?? []) explain(branch, kind, path)
  if (schema.items) explain(schema.items, kind, `${path}[]`)
  if (typeof schema.additionalProperties === 'object') explain(schema.additionalProperties, kind, `${path}.*`)
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const own = path ? `${path}.${key}` : key
    inner.description ??= meaningOf(kind, own)
    explain(inner, kind, own)
  }
}

function meaningOf(kind: string, path: string): string | undefined {
  const shared = path.endsWith('secret_key_ref.env') ? 'secret_key_ref.env' : path
  return SETTING_MEANINGS[`${kind}.${path}`] ?? SETTING_MEANINGS[shared]
}

/** What the gateway does not enforce is not offered to anybody who writes a configuration. */
function remove(schema: JsonSchema | undefined, [step, ...rest]: readonly string[]): void {
  if (!schema || step === undefined) return
  if (rest.length > 0) remove(step === '*' ? schema.items : schema.properties?.[step], rest)
  else delete schema.properties?.[step]
}
