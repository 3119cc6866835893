import type { Metadata } from 'next'
import Link from 'next/link'
import { Button } from '@/components/ui/button'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-4 p-4 text-center">
      <div>
        <h1 className="font-semibold text-lg">There is nothing at this address</h1>
        <p className="mt-1 text-fg-muted text-sm">It may have been renamed, or the link is cut off.</p>
      </div>
      <Button asChild variant="primary">
        <Link href="/">Go to the overview</Link>
      </Button>
    </main>
  )
}
