'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Checkbox } from '@/components/ui/checkbox'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { problemsOfAnswer } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { Label } from '@/components/ui/label'
import { notice } from '@/components/ui/notice'
import { VIEW_NAME_MAX, type ViewPage, views } from '@/lib/contract/views'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { viewQueries } from './view-queries'
import { viewQuery } from './view-query'

const NAMES = ['name', 'query'] as const

/** Keeps how a page is looked at now. */
export function SaveViewDialog({ of, onClose }: { of: ViewPage; onClose: () => void }) {
  const queryClient = useQueryClient()
  const known = useQuery(viewQueries.offered(of))
  const [name, setName] = useState('')
  const [isShared, setIsShared] = useState(false)
  const [isUnnamed, setIsUnnamed] = useState(false)
  const wanted = name.trim()
  const save = useMutation({
    mutationFn: () =>
      api(
        views.save,
        { page: of, name: wanted, query: viewQuery(window.location.search), shared: isShared },
        { idempotencyKey: newId('req') },
      ),
    onSuccess: () => {
      notice.success(`Saved ${wanted}.`)
      onClose()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: viewQueries.all }),
  })
  const refused = save.error ? problemsOfAnswer(save.error, NAMES) : null
  const problem = isUnnamed && wanted === '' ? 'Give the view a name.' : refused?.fields.name
  const isKnown = known.data?.some((view) => view.mine && view.name === wanted)
  return (
    <FormDialog
      title="Save this view"
      description="Filter, time range, columns and sort, under a name that you have wherever you sign in."
      verb="Save view"
      doing="Saving…"
      problem={refused?.general ?? refused?.fields.query}
      isPending={save.isPending}
      onSubmit={() => {
        setIsUnnamed(wanted === '')
        if (wanted !== '') save.mutate()
      }}
      onClose={onClose}
    >
      <Field
        id="view-name"
        label="Name"
        error={problem}
        hint={isKnown ? 'You have a view of this name; saving replaces it.' : undefined}
      >
        <Input
          {...describedBy('view-name', problem)}
          value={name}
          maxLength={VIEW_NAME_MAX}
          autoComplete="off"
          placeholder="My view"
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      <div className="flex items-start gap-2">
        <Checkbox
          id="view-shared"
          className="mt-0.5"
          checked={isShared}
          onCheckedChange={(next) => setIsShared(next === true)}
        />
        <div>
          <Label htmlFor="view-shared">Share it</Label>
          <p className="text-fg-muted text-xs">
            Everybody who reads events finds it under Views of this page. They see only what their role lets them see.
          </p>
        </div>
      </div>
    </FormDialog>
  )
}
