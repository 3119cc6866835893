import type { Metadata } from 'next'
import { Suspense } from 'react'
import { HoldsPage } from '@/components/holds/holds-page'

export const metadata: Metadata = { title: 'Retention and holds' }

export default function Holds() {
  return (
    <Suspense>
      <HoldsPage />
    </Suspense>
  )
}
