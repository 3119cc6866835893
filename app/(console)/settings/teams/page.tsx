import type { Metadata } from 'next'
import { Suspense } from 'react'
import { TeamsPage } from '@/components/teams/teams-page'

export const metadata: Metadata = { title: 'Teams' }

export default function Teams() {
  return (
    <Suspense>
      <TeamsPage />
    </Suspense>
  )
}
