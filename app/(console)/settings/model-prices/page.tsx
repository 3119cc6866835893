import type { Metadata } from 'next'
import { Suspense } from 'react'
import { ModelPricesPage } from '@/components/model-prices/model-prices-page'

export const metadata: Metadata = { title: 'Model prices' }

export default function ModelPrices() {
  return (
    <Suspense>
      <ModelPricesPage />
    </Suspense>
  )
}
