'use client'

import { createContext, type ReactNode, use } from 'react'

const Context = createContext<string | null>(null)

export const GatewayUrlProvider = ({ url, children }: { url: string; children: ReactNode }) => (
  <Context value={url}>{children}</Context>
)

/** Where the gateway of this installation answers, such as `http://localhost:41002`; gateways elsewhere say it themselves. */
export function useGatewayUrl(): string {
  const url = use(Context)
  if (url === null) throw new Error('useGatewayUrl is for pages inside the console layout.')
  return url
}
