import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * Whether an address is one of the public internet: not this machine, not a private or link-local network (where clouds
 * serve their metadata), and no IPv6 form that carries an IPv4 address past the rule (mapped, NAT64, 6to4, Teredo).
 */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === 'unicast'
}

/** An address that a request may not go to. `code` stands in records; the address itself stays in the log. */
export class AddressNotAllowed extends Error {
  override readonly name = 'AddressNotAllowed'
  readonly code = 'address_not_allowed'
}

/** Why a URL's host may not be called, judged by what it says alone; null when only its resolution can tell. */
export function reasonAgainstHost(url: URL): string | null {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) return isPublicAddress(host) ? null : `${host} is not an address of the public internet`
  const name = host.replace(/\.$/, '').toLowerCase()
  return LOCAL_NAME.test(name) ? `${name} is a name of this machine or network` : null
}

/** Names that resolve by convention to what is near (RFC 6761, RFC 6762, RFC 8375, RFC 9476). */
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa|alt)$/
