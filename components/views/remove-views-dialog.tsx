'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { ErrorState } from '@/components/ui/error-state'
import { notice } from '@/components/ui/notice'
import { Skeleton } from '@/components/ui/skeleton'
import { type SavedView, type ViewPage, views } from '@/lib/contract/views'
import { api } from '../api'
import { viewQueries } from './view-queries'

/** Views that the viewer may remove: their own, and shared ones for whom the organisation may be changed. */
export function RemoveViewsDialog({ of, onClose }: { of: ViewPage; onClose: () => void }) {
  const mayTidy = useCan('org:write')
  const { data, error, refetch } = useQuery(viewQueries.offered(of))
  const listed = data?.filter(({ mine }) => mine || mayTidy)
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title="Remove views"
        description={`They are gone at once${mayTidy ? '; shared ones for everybody' : ''}.`}
        footer={
          <DialogClose asChild>
            <Button>Done</Button>
          </DialogClose>
        }
      >
        {listed ? (
          <Views listed={listed} />
        ) : error ? (
          <ErrorState error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton className="h-24" />
        )}
      </DialogContent>
    </Dialog>
  )
}

function Views({ listed }: { listed: readonly SavedView[] }) {
  const queryClient = useQueryClient()
  const settled = { onSettled: () => queryClient.invalidateQueries({ queryKey: viewQueries.all }) }
  const remove = useMutation({
    mutationFn: ({ id }: SavedView) => api(views.delete, { id }),
    onError: (thrown) => notice.error('The view was not removed.', { description: thrown.message }),
    ...settled,
  })
  if (listed.length === 0) return <p className="text-fg-muted text-sm">No views are left.</p>
  return (
    <ul className="flex flex-col divide-y rounded-md border">
      {listed.map((view) => (
        <li key={view.id} className="flex items-center gap-2 px-3 py-1.5 text-sm">
          <span className="min-w-0 flex-1 break-words">
            <bdi>{view.name}</bdi>
            {(view.shared || !view.mine) && (
              <span className="block text-fg-muted text-xs">
                {view.mine ? 'Shared' : `Shared by ${view.owner.name}`}
              </span>
            )}
          </span>
          <Button
            size="sm"
            variant="danger-outline"
            aria-label={`Remove ${view.name}`}
            disabled={remove.isPending}
            onClick={() => remove.mutate(view)}
          >
            Remove
          </Button>
        </li>
      ))}
    </ul>
  )
}
