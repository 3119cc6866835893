import { expect, test } from 'vitest'
import { Network } from './limits'

const accepts = (cidr: string) => Network.safeParse({ ip_allowlist: { cidrs: [cidr] } }).success

test.each(['10.0.0.0/8', '203.0.113.7', '2001:db8::/32', '::1', '0.0.0.0/0'])('%s is a network', (cidr) => {
  expect(accepts(cidr)).toBe(true)
})

test.each(['10.0.0.0/33', '10.0.0', '256.0.0.1', '2001:db8::/129', ':::', 'localhost', '', '1.2.3.4/8/8'])(
  '%s is none',
  (cidr) => {
    expect(accepts(cidr)).toBe(false)
  },
)
