import { z } from 'zod'
import { displayName, modelName, semver, slug } from '@/lib/contract/fields'
import { POLICY_KINDS } from '../kinds/all'
import { Cache, Limits, Network } from './limits'
import { CircuitBreaker, Fallback, HealthMonitor, Mirror, ModelGroup, Retry, Routing } from './routing'
import { SecretKeyRef } from './secret-key-ref'
import { Testing } from './suite'
import { TargetConfig } from './target'

const text = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^[^\x00-\x08\x0b-\x1f\x7f]*$/, 'must not contain control characters')

const chain = z.array(z.string().max(100)).max(100)

const Pack = z.strictObject({
  name: displayName.describe('Name of the configuration.'),
  version: semver.describe('Its version (SemVer).'),
  enabled: z.boolean().describe('With `false` the gateway refuses every request.'),
  id: slug.optional().describe('Stable id; the name unless stated.'),
  author: text(200).optional().describe('Who answers for it.'),
  description: text(2_000).optional().describe('What it is for.'),
})

const Providers = z.strictObject({
  targets: z.array(TargetConfig).max(200).default([]).describe('Places that can answer, in order.'),
  routing: Routing.prefault({}).describe('Which target answers.'),
  fallback: Fallback.prefault({}).describe('What happens when one fails.'),
  retry: Retry.prefault({}).describe('How many further calls there may be.'),
  circuit_breaker: CircuitBreaker.prefault({}).describe('When a failing target is left alone.'),
  health_monitor: HealthMonitor.optional().describe('Looks at targets in the background. Without it only requests do.'),
  model_groups: z.array(ModelGroup).max(200).default([]).describe('Names for several targets together.'),
})

const Route = z.strictObject({
  name: slug.describe('Name of the route, as events show it.'),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]{0,199}$/, 'must be a path such as /v1/chat')
    .describe('Beginning of the path of a request. The longest that fits is taken.'),
  methods: z
    .array(z.enum(['GET', 'POST', 'DELETE']))
    .min(1)
    .max(3)
    .optional()
    .describe('Methods; any unless stated.'),
  chain: chain.optional().describe('Policies of these requests instead of `policies.chain`.'),
  targets: z.array(slug).min(1).max(100).optional().describe('Ids of the only targets that may answer them.'),
})

const ConsumerGroup = z.strictObject({
  name: slug.describe('Name of the group.'),
  token_names: z.array(displayName).max(1_000).default([]).describe('Names of the gateway keys that belong to it.'),
  team_ids: z.array(z.string().max(64)).max(1_000).default([]).describe('Teams whose keys belong to it.'),
  allowed_models: z.array(modelName).min(1).max(500).optional().describe('The only models that its requests may use.'),
  chain: chain.optional().describe('Policies of its requests instead of `policies.chain`.'),
})

const Gateway = z.strictObject({
  anonymous: z
    .enum(['deny', 'loopback'])
    .default('deny')
    .describe('Whether a caller without a key is served: never, or from this machine only.'),
  redis: z
    .strictObject({
      secret_key_ref: SecretKeyRef.describe('The address with its password, such as `rediss://:secret@cache:6379/0`.'),
    })
    .optional()
    .describe('A Redis or Valkey that several gateways share.'),
})

/** The settings of one kind are whatever its own schema says; see `POLICY_KINDS`. */
const policyBlocks = () =>
  z.strictObject(Object.fromEntries(POLICY_KINDS.map(({ kind, settings }) => [kind, settings.optional()])))

/** The shape of a policy-config.yaml. What it means for several keys together is checked by `lintPolicyConfig`. */
export const PolicyConfig = z.strictObject({
  pack: Pack.describe('What this file is.'),
  policies: z
    .strictObject({ chain: chain.describe('Kinds of policies, in the order in which they decide.') })
    .describe('Which policies run.'),
  policy: policyBlocks()
    .optional()
    .describe('Settings of policies, by kind. A block whose kind is not in a chain does nothing.'),
  providers: Providers.prefault({}).describe('Who answers.'),
  limits: Limits.prefault({}).describe('How much may be asked.'),
  network: Network.prefault({}).describe('From where.'),
  routes: z.array(Route).max(100).default([]).describe('Other policies or targets for some paths.'),
  consumer_groups: z.array(ConsumerGroup).max(200).default([]).describe('Other policies or models for some keys.'),
  cache: Cache.optional().describe('Answers that are used again. Without it none is.'),
  mirror: Mirror.optional().describe('A second target that is asked the same, without anybody waiting for it.'),
  gateway: Gateway.prefault({}).describe('The gateway itself.'),
  testing: Testing.optional().describe('Tests of this configuration.'),
})
export type PolicyConfig = z.infer<typeof PolicyConfig>
