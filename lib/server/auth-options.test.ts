import { expect, test, vi } from 'vitest'
import { authOptions } from './auth-options'

vi.mock('server-only', () => ({}))
vi.mock('next/headers', () => ({}))

const HERE = 'http://console.example:3000'

test.each([
  ['/gateways?status=offline', '/gateways?status=offline'],
  [`${HERE}/events`, `${HERE}/events`],
  ['//evil.example', HERE],
  ['/\\evil.example', HERE],
  ['/\t/evil.example', HERE],
  ['https://evil.example/sign-in', HERE],
  ['javascript:alert(1)', HERE],
  ['http://', HERE],
])('after sign-in, %j leads to %s and never away from the console', async (url, target) => {
  vi.stubEnv('NEXTAUTH_URL', HERE)
  vi.stubEnv('KEEPTRUSTS_SECRET_KEY', 'a secret of more than thirty-two characters')
  expect(await authOptions().callbacks?.redirect?.({ url, baseUrl: HERE })).toBe(target)
  vi.unstubAllEnvs()
})
