import { SearchCheck } from 'lucide-react'
import { Button } from '@/components/ui/button'
import { EmptyState } from '@/components/ui/empty-state'

type LookFurtherProps = { until: string; isLooking: boolean; found: number; onLook: () => void }

/** A search that stopped after a bounded time: how far it got, and the way to go on from there. */
export function LookFurther({ until, isLooking, found, onLook }: LookFurtherProps) {
  const at = new Date(until).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
  const button = (
    <Button disabled={isLooking} onClick={onLook}>
      <SearchCheck /> {isLooking ? 'Looking…' : 'Look further'}
    </Button>
  )
  if (found === 0) {
    return (
      <EmptyState title={`Nothing found back to ${at}`} action={button}>
        No index knows what this filter compares, so events are read one by one, a bounded number at a time. There may
        be matches further back.
      </EmptyState>
    )
  }
  return (
    <div role="status" className="flex flex-wrap items-center justify-center gap-3 text-fg-muted text-sm">
      Looked back to {at}. There may be more further back. {button}
    </div>
  )
}
