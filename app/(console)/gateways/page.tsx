import type { Metadata } from 'next'
import { Suspense } from 'react'
import { GatewaysPage } from '@/components/gateways/gateways-page'

export const metadata: Metadata = { title: 'Gateways' }

export default function Gateways() {
  return (
    <Suspense>
      <GatewaysPage />
    </Suspense>
  )
}
