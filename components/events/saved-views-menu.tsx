'use client'

import { Bookmark, BookmarkPlus, Check, Trash2 } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { type FormEvent, useState } from 'react'
import { Button } from '@/components/ui/button'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { removeView, type SavedView, saveView, useSavedViews, VIEW_NAME_MAX, VIEWS_MAX, viewQuery } from './saved-views'

/** Views of this page under names of one's own. Nothing of them leaves the browser, and the words say so. */
export function SavedViewsMenu() {
  const router = useRouter()
  const views = useSavedViews()
  const [dialog, setDialog] = useState<'save' | 'remove' | null>(null)
  // Read when the menu is drawn: it is closed while the address changes.
  const current = typeof window === 'undefined' ? '' : viewQuery(window.location.search)
  return (
    <>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button variant="ghost" size="sm" className="text-fg-muted">
            <Bookmark /> Views
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent align="end">
          <DropdownMenuLabel>Saved on this device</DropdownMenuLabel>
          {views.length === 0 && <p className="max-w-56 px-2 pb-1 text-fg-muted text-xs">None yet.</p>}
          {views.map(({ name, query }) => (
            <DropdownMenuItem key={name} onSelect={() => router.push(`/history?${query}`)}>
              <span className="flex-1 truncate">{name}</span>
              {query === current && <Check aria-label="shown now" />}
            </DropdownMenuItem>
          ))}
          <DropdownMenuSeparator />
          <DropdownMenuItem onSelect={() => setDialog('save')}>
            <BookmarkPlus /> Save this view…
          </DropdownMenuItem>
          {views.length > 0 && (
            <DropdownMenuItem onSelect={() => setDialog('remove')}>
              <Trash2 /> Remove views…
            </DropdownMenuItem>
          )}
        </DropdownMenuContent>
      </DropdownMenu>
      <Dialog open={dialog === 'save'} onOpenChange={(open) => !open && setDialog(null)}>
        {dialog === 'save' && <SaveContent views={views} onDone={() => setDialog(null)} />}
      </Dialog>
      <Dialog open={dialog === 'remove'} onOpenChange={(open) => !open && setDialog(null)}>
        {dialog === 'remove' && <RemoveContent views={views} />}
      </Dialog>
    </>
  )
}

function SaveContent({ views, onDone }: { views: readonly SavedView[]; onDone: () => void }) {
  const [name, setName] = useState('')
  const [problem, setProblem] = useState<string>()
  const isKnown = views.some((view) => view.name === name.trim())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wanted = name.trim()
    if (wanted === '') return setProblem('Give the view a name.')
    if (!isKnown && views.length >= VIEWS_MAX) return setProblem(`There are ${VIEWS_MAX} views: remove one first.`)
    if (!saveView({ name: wanted, query: viewQuery(window.location.search) })) {
      return setProblem('This browser does not let pages store anything.')
    }
    notice.success(`Saved ${wanted} on this device.`)
    onDone()
  }
  return (
    <DialogContent
      title="Save this view"
      description="Filter, time range, columns and sort. It is kept in this browser only: others, and you on another device, do not have it."
    >
      <form noValidate onSubmit={submit} className="flex flex-col gap-4">
        <Field
          id="view-name"
          label="Name"
          error={problem}
          hint={isKnown ? 'A view of this name is there; saving replaces it.' : undefined}
        >
          <Input
            {...describedBy('view-name', problem)}
            value={name}
            maxLength={VIEW_NAME_MAX}
            autoComplete="off"
            placeholder="Blocked today"
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        <div className="flex justify-end gap-2">
          <DialogClose asChild>
            <Button>Cancel</Button>
          </DialogClose>
          <Button type="submit" variant="primary">
            Save view
          </Button>
        </div>
      </form>
    </DialogContent>
  )
}

const RemoveContent = ({ views }: { views: readonly SavedView[] }) => (
  <DialogContent
    title="Remove views"
    description="They are gone from this device at once."
    footer={
      <DialogClose asChild>
        <Button>Done</Button>
      </DialogClose>
    }
  >
    {views.length === 0 ? (
      <p className="text-fg-muted text-sm">No views are left.</p>
    ) : (
      <ul className="flex flex-col divide-y rounded-md border">
        {views.map(({ name }) => (
          <li key={name} className="flex items-center gap-2 px-3 py-1.5 text-sm">
            <span className="min-w-0 flex-1 break-words">{name}</span>
            <Button size="sm" variant="danger-outline" aria-label={`Remove ${name}`} onClick={() => removeView(name)}>
              Remove
            </Button>
          </li>
        ))}
      </ul>
    )}
  </DialogContent>
)
