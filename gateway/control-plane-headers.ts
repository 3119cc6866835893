import { VERSION } from '@/lib/version'

/** What every call of a gateway to its control plane says of itself; the access log names the source by it. */
export const controlPlaneHeaders = (token: string) => ({
  authorization: `Bearer ${token}`,
  'user-agent': `keeptrusts-gateway/${VERSION}`,
})
