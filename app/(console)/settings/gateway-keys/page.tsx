import type { Metadata } from 'next'
import { Suspense } from 'react'
import { TokensPage } from '@/components/tokens/tokens-page'

export const metadata: Metadata = { title: 'Gateway keys' }

export default function GatewayKeysPage() {
  return (
    <Suspense>
      <TokensPage type="gateway" />
    </Suspense>
  )
}
