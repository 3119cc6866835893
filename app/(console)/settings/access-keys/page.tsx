import type { Metadata } from 'next'
import { Suspense } from 'react'
import { TokensPage } from '@/components/tokens/tokens-page'

export const metadata: Metadata = { title: 'Access keys' }

export default function AccessKeysPage() {
  return (
    <Suspense>
      <TokensPage type="access" />
    </Suspense>
  )
}
