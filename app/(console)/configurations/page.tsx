import type { Metadata } from 'next'
import { Suspense } from 'react'
import { ConfigurationsPage } from '@/components/configurations/configurations-page'

export const metadata: Metadata = { title: 'Configurations' }

export default function Configurations() {
  return (
    <Suspense>
      <ConfigurationsPage />
    </Suspense>
  )
}
