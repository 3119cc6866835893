'use client'

import { useQuery } from '@tanstack/react-query'
import { Bookmark, BookmarkPlus, Check, Trash2 } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu'
import type { SavedView, ViewPage } from '@/lib/contract/views'
import { AppError } from '@/lib/errors'
import { viewQueries } from './view-queries'
import { viewQuery } from './view-query'

const SaveViewDialog = dynamic(() => import('./save-view-dialog').then((it) => it.SaveViewDialog), { ssr: false })
const RemoveViewsDialog = dynamic(() => import('./remove-views-dialog').then((it) => it.RemoveViewsDialog), {
  ssr: false,
})

const PATHS: Record<ViewPage, string> = {
  history: '/history',
  usage: '/usage',
  'access-keys': '/settings/access-keys',
  'gateway-keys': '/settings/gateway-keys',
}

/** Views of a page under names: one's own on every device, and those that others share. Read when the menu is opened. */
export function SavedViewsMenu({ of }: { of: ViewPage }) {
  const mayKeep = useCan('events:read')

  const [isOpen, setIsOpen] = useState(false)
  const [dialog, setDialog] = useState<'save' | 'remove' | null>(null)
  const { data, error } = useQuery({ ...viewQueries.offered(of), enabled: isOpen })
  const own = data?.filter(({ mine }) => mine)
  const shared = data?.filter(({ mine }) => !mine) ?? []
  if (!mayKeep) return null
  return (
    <>
      <DropdownMenu open={isOpen} onOpenChange={setIsOpen}>
        <DropdownMenuTrigger asChild>
          <Button variant="ghost" size="sm" className="text-fg-muted">
            <Bookmark /> Views
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent align="end" className="max-w-80">
          <DropdownMenuLabel>Your views</DropdownMenuLabel>
          {own?.map((view) => (
            <ViewItem key={view.id} view={view} />
          ))}
          {!own?.length && (
            <p role={error ? 'alert' : undefined} className="max-w-56 px-2.5 pb-1 text-fg-muted text-xs">
              {own ? 'None yet.' : error ? unreadWords(error) : 'Loading…'}
            </p>
          )}
          {shared.length > 0 && (
            <>
              <DropdownMenuSeparator />
              <DropdownMenuLabel>Shared by others</DropdownMenuLabel>
              {shared.map((view) => (
                <ViewItem key={view.id} view={view} />
              ))}
            </>
          )}
          <DropdownMenuSeparator />
          <DropdownMenuItem onSelect={() => setDialog('save')}>
            <BookmarkPlus /> Save this view…
          </DropdownMenuItem>
          {data && data.length > 0 && (
            <DropdownMenuItem onSelect={() => setDialog('remove')}>
              <Trash2 /> Remove views…
            </DropdownMenuItem>
          )}
        </DropdownMenuContent>
      </DropdownMenu>
      {dialog === 'save' && <SaveViewDialog of={of} onClose={() => setDialog(null)} />}
      {dialog === 'remove' && <RemoveViewsDialog of={of} onClose={() => setDialog(null)} />}
    </>
  )
}

const unreadWords = (error: unknown) =>
  `They could not be read. ${error instanceof AppError ? error.message : 'Open the menu again.'}`

function ViewItem({ view: { page, name, query, mine, shared, owner } }: { view: SavedView }) {
  const router = useRouter()
  // Read when the menu is drawn: it is closed while the address changes.
  const isShown = query === viewQuery(window.location.search)
  return (
    <DropdownMenuItem onSelect={() => router.push(`${PATHS[page]}?${query}`)}>
      <span className="min-w-0 flex-1">
        <bdi className="block truncate">{name}</bdi>
        {(shared || !mine) && (
          <span className="block truncate text-fg-muted text-xs">{mine ? 'Shared' : `By ${owner.name}`}</span>
        )}
      </span>
      {isShown && <Check aria-label="shown now" />}
    </DropdownMenuItem>
  )
}
