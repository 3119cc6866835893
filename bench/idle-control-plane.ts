import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Signer } from '@/control-plane/configurations/signer'
import type { BundlePayload, RuntimeState } from '@/lib/contract/configurations'
import { hashToken } from '@/lib/tokens'

/**
 * Says what a control plane says to a gateway, and acknowledges events without storing them, so that a bench of the
 * gateway measures the gateway: real keys, a signed bundle, the real spool and real delivery.
 */
const signer = Signer.ephemeral()
const yaml = readFileSync(process.env.POLICY_CONFIG ?? '', 'utf8')
const gatewayId = 'bench'

const bundle: BundlePayload = {
  format: 1,
  org_id: 'org_bench',
  gateway_id: gatewayId,
  generation: 1,
  min_gateway_version: '0.1.0',
  created_at: new Date().toISOString(),
  configuration: {
    id: 'cfg_bench',
    name: 'bench',
    version: '0.1.0',
    sha256: createHash('sha256').update(yaml).digest('hex'),
    yaml,
  },
}
const payload = Buffer.from(JSON.stringify(bundle))

const state: RuntimeState = {
  gateway_id: gatewayId,
  org_id: bundle.org_id,
  server_time: new Date().toISOString(),
  desired_version: '0.1.0',
  desired_generation: 1,
  bundle: { kid: signer.kid, payload: payload.toString('base64'), signature: signer.sign(payload) },
  prices: null,
  spend: null,
  signing_keys: [{ kid: signer.kid, public_key: signer.publicKey }],
  settings: { payload_capture: 'none', max_offline_key_age_seconds: 86_400 },
  keys_revision: 1,
  keys: [
    {
      hash: hashToken(process.env.KEY ?? ''),
      token_id: 'tok_bench',
      token_secret_id: 'sec_bench',
      token_name: 'bench',
      purpose: 'general',
      team_id: null,
      agent_id: null,
      allowed_models: ['bench', 'json', 'masked', 'sse-50', 'sse-500', 'paced', 'slow'],
      allowed_providers: null,
      expires_at_ms: null,
      ends_at_ms: null,
      dead: null,
    },
  ],
}

const server = createServer((request, response) => {
  const path = request.url ?? ''
  if (path.endsWith('/stream')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const ping = () =>
      response.write(`data: ${JSON.stringify({ kind: 'ping', server_time: new Date().toISOString() })}\n\n`)
    ping()
    const timer = setInterval(ping, 5_000)
    response.once('close', () => clearInterval(timer))
    return
  }
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' })
    if (path.endsWith('/runtime-state')) response.end(JSON.stringify(state))
    else if (path.endsWith('/heartbeat')) {
      response.end(JSON.stringify({ server_time: new Date().toISOString(), desired_generation: 1, keys_revision: 1 }))
    } else response.end(JSON.stringify({ accepted: 1, duplicates: 0, rejected: [] }))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address ? address.port : ''}\n`)
})
