import type { Metadata } from 'next'
import { OrganizationPage } from '@/components/settings/organization-page'

export const metadata: Metadata = { title: 'Organization' }

export default function OrganizationSettingsPage() {
  return <OrganizationPage />
}
