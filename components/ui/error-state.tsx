'use client'

import { AppError } from '@/lib/errors'
import { Button } from './button'
import { IdText } from './id-text'

type ErrorStateProps = { error: unknown; onRetry?: () => void; title?: string }

/** What happened, the request id to quote, and a way to try again where that may help. */
export function ErrorState({ error, onRetry, title }: ErrorStateProps) {
  const known = error instanceof AppError ? error : undefined
  // To ask again for what does not exist brings nothing.
  const isMissing = known?.status === 404
  return (
    <div role="alert" className="flex flex-col items-center gap-3 px-4 py-14 text-center">
      <div className="max-w-md">
        <p className="font-medium">{title ?? (isMissing ? 'There is nothing here' : 'This could not be loaded')}</p>
        <p className="mt-1 text-balance text-fg-muted text-sm">
          {known?.message ?? 'The console met something it did not expect. Nothing was changed.'}
          {isMissing && ' It may have been deleted, or the link is cut off.'}
        </p>
      </div>
      {known?.requestId && (
        <p className="flex items-center gap-1 text-fg-muted text-xs">
          Request <IdText id={known.requestId} what="request id" />
        </p>
      )}
      {onRetry && !isMissing && <Button onClick={onRetry}>Try again</Button>}
    </div>
  )
}
