'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import type { z } from 'zod'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { placeProblems } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { type Team, teams } from '@/lib/contract/teams'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { teamQueries } from './team-queries'

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
    onError: (error) => setGeneral(placeProblems(error, ['name'], form.setError)),
    onSettled: () => queryClient.invalidateQueries({ queryKey: teamQueries.all }),
  })
  const { name: problem } = form.formState.errors
  return (
    <FormDialog
      title={team ? `Rename ${team.name}` : 'Create team'}
      verb={team ? 'Rename' : 'Create team'}
      doing="Saving…"
      problem={general}
      isPending={save.isPending}
      onSubmit={form.handleSubmit((values) => {
        setGeneral(null)
        save.mutate(values)
      })}
      onClose={onClose}
    >
      <Field id="team-name" label="Name" error={problem?.message}>
        <Input
          {...describedBy('team-name', problem)}
          autoComplete="off"
          placeholder="Finance"
          {...form.register('name')}
        />
      </Field>
    </FormDialog>
  )
}
