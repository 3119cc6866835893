'use client'

import { FileDown } from 'lucide-react'
import Link from 'next/link'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import type { ExportType } from '@/lib/contract/export-shapes'

type ExportTheseProps = {
  type: ExportType
  selection: { since?: string | undefined; until?: string | undefined; filter?: string | undefined }
}

/** Leads to a new export of exactly what the page shows. */
export function ExportThese({ type, selection }: ExportTheseProps) {
  const canExport = useCan(type === 'activity' ? 'activity:export' : 'events:export')
  if (!canExport) return null
  const query = new URLSearchParams({ create: 'true', type })
  for (const [name, value] of Object.entries(selection)) if (value) query.set(name, value)
  return (
    <Button asChild size="sm" variant="ghost" className="text-fg-muted">
      <Link href={`/exports?${query}`} prefetch={false}>
        <FileDown /> Export these
      </Link>
    </Button>
  )
}
