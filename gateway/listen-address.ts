import { reasonAgainst } from '@/lib/policy/config/base-url'
import { GatewayStartError } from './start-error'

/**
 * `0.0.0.0:8080`, `[::1]:0`, `localhost:41002`.
 *
 * @throws GatewayStartError
 */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host && port <= 65_535) return { host, port }
  throw new GatewayStartError('invalid_configuration', `"${text}" is not an address to listen on: write host:port.`)
}

/** @throws GatewayStartError */
export function parseUpstream(text: string): URL {
  const reason = reasonAgainst(text)
  if (reason) throw new GatewayStartError('invalid_configuration', `KEEPTRUSTS_UPSTREAM_URL (--upstream) ${reason}.`)
  return new URL(text)
}

/**
 * Without a slash at the end.
 *
 * @throws GatewayStartError
 */
export function parseApiUrl(text: string): string {
  const reason = reasonAgainst(text)
  if (reason) throw new GatewayStartError('invalid_configuration', `KEEPTRUSTS_API_URL (--api-url) ${reason}.`)
  return text.replace(/\/+$/, '')
}
