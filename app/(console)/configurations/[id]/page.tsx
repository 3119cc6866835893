import type { Metadata } from 'next'
import { Suspense } from 'react'
import { ConfigurationPage } from '@/components/configurations/configuration-page'

export const metadata: Metadata = { title: 'Configuration' }

export default async function Configuration({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  return (
    <Suspense>
      <ConfigurationPage id={id} />
    </Suspense>
  )
}
