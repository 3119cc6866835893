'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import type { z } from 'zod'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { placeProblems } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { type Team, teams } from '@/lib/contract/teams'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { teamQueries } from './team-queries'

const FORM_ID = 'team'
type Values = z.input<typeof teams.create.input>

/** The name of a new team, or another one for one that is there. */
export function TeamDialog({ team, onClose }: { team?: Team; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [general, setGeneral] = useState<string | null>(null)
  const form = useForm<Values>({ resolver: zodResolver(teams.create.input), defaultValues: { name: team?.name ?? '' } })
  const save = useMutation({
    mutationFn: ({ name }: Values) =>
      team ? api(teams.rename, { id: team.id, name }) : api(teams.create, { name }, { idempotencyKey: newId('req') }),
    onSuccess: ({ name }) => {
      notice.success(team ? `It is called ${name} now.` : `${name} is there.`)
      onClose()
    },
    onError: (error) => {
      if (error instanceof AppError && error.code === 'name_taken') form.setError('name', { message: error.message })
      else setGeneral(placeProblems(error, ['name'], form.setError))
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: teamQueries.all }),
  })
  const { name: problem } = form.formState.errors
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title={team ? `Rename ${team.name}` : 'New team'}
        footer={
          <>
            <DialogClose asChild>
              <Button>Cancel</Button>
            </DialogClose>
            <Button type="submit" form={FORM_ID} variant="primary" disabled={save.isPending}>
              {save.isPending ? 'Saving…' : team ? 'Rename' : 'Create team'}
            </Button>
          </>
        }
      >
        <form
          id={FORM_ID}
          noValidate
          className="flex flex-col gap-4"
          onSubmit={form.handleSubmit((values) => {
            setGeneral(null)
            save.mutate(values)
          })}
        >
          {general && (
            <Callout tone="danger" role="alert">
              {general}
            </Callout>
          )}
          <Field id="team-name" label="Name" error={problem?.message}>
            <Input
              {...describedBy('team-name', problem)}
              autoComplete="off"
              placeholder="Finance"
              {...form.register('name')}
            />
          </Field>
        </form>
      </DialogContent>
    </Dialog>
  )
}
