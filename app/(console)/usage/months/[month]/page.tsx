import type { Metadata } from 'next'
import { MonthReportPage } from '@/components/usage/month-report'

export const metadata: Metadata = { title: 'Month report' }

export default async function MonthReport({ params }: { params: Promise<{ month: string }> }) {
  const { month } = await params
  return <MonthReportPage month={month} />
}
