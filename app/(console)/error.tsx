'use client'

import { ErrorState } from '@/components/ui/error-state'

/** What a page threw while it was drawn; the frame around it stays. */
export default function ConsoleError({ error, reset }: { error: Error; reset: () => void }) {
  return <ErrorState error={error} onRetry={reset} title="This page could not be drawn" />
}
