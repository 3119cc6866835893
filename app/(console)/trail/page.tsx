import type { Metadata } from 'next'
import { Suspense } from 'react'
import { TrailPage } from '@/components/trail/trail-page'

export const metadata: Metadata = { title: 'Trail' }

export default function Trail() {
  return (
    <Suspense>
      <TrailPage />
    </Suspense>
  )
}
