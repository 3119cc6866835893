import type { Metadata } from 'next'
import { Suspense } from 'react'
import { ExportsPage } from '@/components/exports/exports-page'

export const metadata: Metadata = { title: 'Exports' }

export default function Exports() {
  return (
    <Suspense>
      <ExportsPage />
    </Suspense>
  )
}
