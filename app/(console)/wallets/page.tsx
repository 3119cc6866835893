import type { Metadata } from 'next'
import { Suspense } from 'react'
import { WalletsPage } from '@/components/wallets/wallets-page'

export const metadata: Metadata = { title: 'Wallets' }

export default function Wallets() {
  return (
    <Suspense>
      <WalletsPage />
    </Suspense>
  )
}
