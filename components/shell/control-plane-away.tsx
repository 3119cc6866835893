'use client'

import { Button } from '@/components/ui/button'
import { IdText } from '@/components/ui/id-text'

/** The console runs, the control plane does not answer: says what still works. */
export function ControlPlaneAway({ message, requestId }: { message: string; requestId: string | undefined }) {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-4 px-4 text-center">
      <div className="max-w-md">
        <h1 className="font-semibold text-lg">The control plane does not answer</h1>
        <p className="mt-1 text-fg-muted text-sm">
          {message} Gateways keep serving with the configuration and keys they have; nothing was changed.
        </p>
      </div>
      {requestId && (
        <p className="text-fg-muted text-xs">
          Request <IdText id={requestId} what="request id" />
        </p>
      )}
      <Button variant="primary" onClick={() => window.location.reload()}>
        Try again
      </Button>
    </main>
  )
}
