import type { Token } from '@/lib/contract/tokens'
import type { ShownSecret } from './secret-dialog'

const MODEL_WHEN_UNKNOWN = 'gpt-5.4-mini'

/** The variables that the programs read which will use the key. */
export function envFile({ key, token }: ShownSecret, gatewayUrl: string): string {
  const head = `# ${token.name}${token.expires_at ? `, expires ${token.expires_at}` : ''}\n`
  if (token.token_type === 'gateway') return `${head}OPENAI_API_KEY=${key}\nOPENAI_BASE_URL=${gatewayUrl}/v1\n`
  const api = `KEEPTRUSTS_API_URL=${globalThis.location?.origin ?? ''}\n`
  if (token.purpose !== 'gateway_runtime') return `${head}${api}KEEPTRUSTS_API_TOKEN=${key}\n`
  return `${head}${api}KEEPTRUSTS_GATEWAY_ID=${token.gateway_id}\nKEEPTRUSTS_GATEWAY_TOKEN=${key}\n`
}

/** A call that shows at once whether the key works. */
export function testCall({ key, token, models }: ShownSecret, origin: string, gatewayUrl: string): string {
  if (token.token_type === 'gateway') {
    const model = token.allowed_models?.[0] ?? models[0] ?? MODEL_WHEN_UNKNOWN
    const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
    return `curl ${gatewayUrl}/v1/chat/completions \\\n  -H 'Authorization: Bearer ${key}' \\\n  -H 'Content-Type: application/json' \\\n  -d '${body.replaceAll("'", "'\\''")}'`
  }
  if (token.purpose === 'gateway_runtime') {
    return `KEEPTRUSTS_API_URL=${origin} \\\nKEEPTRUSTS_GATEWAY_ID=${token.gateway_id} \\\nKEEPTRUSTS_GATEWAY_TOKEN=${key} \\\n  kt run --managed`
  }
  return `curl ${origin}/v1/whoami \\\n  -H 'Authorization: Bearer ${key}'`
}

/** How to read the key outside the console. */
export const inspectCommands = ({ id, name }: Token, origin: string) => ({
  kt: `kt tokens inspect --name '${name.replaceAll("'", "'\\''")}'`,
  curl: `curl ${origin}/v1/tokens/${id} -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN"`,
})
