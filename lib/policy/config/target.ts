import { z } from 'zod'
import { modelName, slug } from '@/lib/contract/fields'
import { headerName, headerValue } from './header'
import { SecretKeyRef } from './secret-key-ref'

export const TARGET_TIMEOUT_MS_DEFAULT = 300_000

const usdPerMillion = z
  .number()
  .min(0)
  .max(1_000_000)
  .refine((usd) => Number(usd.toFixed(9)) === usd, 'must have no more than nine decimals')

const DataPolicy = z.strictObject({
  zero_data_retention: z.boolean().default(false).describe('The provider stores nothing of a request or its answer.'),
  training_opt_out: z.boolean().default(false).describe('The provider does not train on it.'),
  retention_days: z.int().min(0).max(36_500).optional().describe('Days for which the provider keeps it at most.'),
})

const Pricing = z.strictObject({
  input_usd_per_million: usdPerMillion.describe('US dollars per million input tokens.'),
  output_usd_per_million: usdPerMillion.describe('US dollars per million output tokens.'),
  cached_input_usd_per_million: usdPerMillion
    .optional()
    .describe('US dollars per million input tokens that the provider had cached; without it, those cost as input.'),
})

/** One entry of `providers.targets[]`: a place that can answer. */
export const TargetConfig = z.strictObject({
  id: slug.describe('Name of the target in this file, in events and in metrics.'),
  provider: slug.describe(
    'A known provider, `sandbox`, `mcp`, or any other name for an OpenAI-compatible API at `base_url`.',
  ),
  model: modelName.optional().describe('The one model it serves. Without `model` and `models` it serves any.'),
  models: z.array(modelName).min(1).max(500).optional().describe('The models it serves.'),
  model_map: z
    .record(modelName, modelName)
    .optional()
    .describe('Names of models as callers write them, and the name that the provider knows each by.'),
  base_url: z.string().max(2_000).optional().describe('Address of the API, such as `https://api.example.com/v1`.'),
  secret_key_ref: SecretKeyRef.optional().describe('The secret that opens the API.'),
  secret_key_refs: z
    .array(SecretKeyRef)
    .min(2)
    .max(20)
    .optional()
    .describe('Several secrets for the same API: the next is tried when one is refused or exhausted.'),
  api_key_header: headerName.optional().describe('Header that carries the secret. Known providers have their own.'),
  api_key_prefix: headerValue
    .max(100)
    .optional()
    .describe('Stands before the secret with a space between; `Bearer` for `Authorization`, otherwise nothing.'),
  headers: z.record(headerName, headerValue).optional().describe('Further headers of every request to it.'),
  timeout_ms: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(TARGET_TIMEOUT_MS_DEFAULT)
    .describe('Longest wait for the first byte of an answer, and between its bytes, in milliseconds.'),
  weight: z.int().min(0).max(10_000).default(1).describe('Share of requests under the strategy `weighted`.'),
  data_policy: DataPolicy.prefault({}).describe(
    'What the provider promises about data; `data-routing-policy` reads it.',
  ),
  pricing: Pricing.optional().describe(
    'Prices that go before those of the organisation and of the public catalogue: docs/prices.md.',
  ),
  allow_private_network: z
    .boolean()
    .default(false)
    .describe('Whether `base_url` may lead to this machine or a private network, as a local model does.'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d{1,2}$/, 'must be a region such as eu-central-1')
    .optional()
    .describe('AWS region of a `bedrock` target.'),
  aws_access_key_id_ref: SecretKeyRef.optional().describe(
    'Access key id of a `bedrock` target; `AWS_ACCESS_KEY_ID` unless stated. The secret access key is `secret_key_ref`.',
  ),
  aws_session_token_ref: SecretKeyRef.optional().describe('Session token of temporary AWS credentials.'),
  azure_api_version: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(-preview)?$|^(v1|preview)$/, 'must be a version such as 2024-10-21')
    .optional()
    .describe('`api-version` of an `azure-openai` target; 2024-10-21 unless stated.'),
  azure_deployment: slug
    .optional()
    .describe('Deployment of an `azure-openai` target; the name of the model unless stated.'),
  escalation_routing: z
    .strictObject({ team_id: z.string().max(64).optional(), user_id: z.string().max(64).optional() })
    .optional()
    .describe('Who decides what was escalated.'),
})
export type TargetConfig = z.infer<typeof TargetConfig>
