import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { withoutMapping } from '../headers'

/**
 * The caller's address. Each proxy of ours adds the address it was called from at the end of `X-Forwarded-For`; so with a
 * depth of n the n-th from the right is the last one that a proxy of ours has seen itself, and everything left of it is
 * what the caller likes to claim.
 *
 * @param depth how many proxies of ours stand in front; 0 believes the socket alone
 */
export function clientAddress(
  socketAddress: string | undefined,
  forwardedFor: string | undefined,
  depth: number,
): string {
  const own = withoutMapping(socketAddress)
  if (depth === 0 || forwardedFor === undefined || forwardedFor.length > FORWARDED_LENGTH_MAX) return own
  const chain = forwardedFor.split(',')
  const claimed = (chain[chain.length - depth] ?? '').trim().replace(/^\[|\](:\d+)?$/g, '')
  const address = withoutMapping(isIP(claimed) === 0 ? claimed.replace(/:\d+$/, '') : claimed)
  return isIP(address) === 0 ? own : address
}

const FORWARDED_LENGTH_MAX = 4_096

/** Who shares a limit by address: one IPv4 address, or one IPv6 network of 64 bits, which is what one subscriber has. */
export function addressHolder(address: string): string {
  if (isIP(address) !== 6) return address
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, 4)
  return `${parts.map((part) => part.toString(16)).join(':')}::/64`
}

/** A list of networks, parsed once. */
export class AddressList {
  readonly #networks: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]

  /** @throws when one of them is no CIDR and no address */
  constructor(cidrs: readonly string[]) {
    this.#networks = cidrs.map((cidr) => ipaddr.parseCIDR(cidr.includes('/') ? cidr : `${cidr}/${widthOf(cidr)}`))
  }

  includes(address: string): boolean {
    if (isIP(address) === 0) return false
    const parsed = ipaddr.parse(address)
    return this.#networks.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits))
  }
}

const widthOf = (address: string): number => (isIP(address) === 6 ? 128 : 32)
