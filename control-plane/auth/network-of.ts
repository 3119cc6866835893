import { isIPv6 } from 'node:net'

/**
 * What a caller's attempts are counted by: an IPv4 address itself, of an IPv6 address its /64. A subscriber is given at
 * least a /64 (RFC 6177), so counted by address one caller would have 2^64 tries.
 */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped) return mapped
  if (!isIPv6(ip)) return ip
  const [head = '', tail] = ip.replace(/%.*$/, '').split('::')
  const first = groupsOf(head)
  const last = groupsOf(tail ?? '')
  // Only the upper four of eight matter; what `::` leaves out is zero.
  const groups = [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

const groupsOf = (text: string) => (text === '' ? [] : text.split(':'))
