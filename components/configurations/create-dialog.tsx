'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { placeProblems } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { configurations } from '@/lib/contract/configurations'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { configurationQueries } from './configuration-queries'
import { starterYaml } from './starter'

const Values = z.object({ name: configurations.create.input.shape.name })
type Values = z.infer<typeof Values>

/** While it is open: closed and opened again, it begins anew. */
export function CreateDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return open ? <CreateConfiguration onClose={onClose} /> : null
}

function CreateConfiguration({ onClose }: { onClose: () => void }) {
  const [general, setGeneral] = useState<string | null>(null)
  const router = useRouter()
  const queryClient = useQueryClient()
  const form = useForm<Values>({ resolver: zodResolver(Values), defaultValues: { name: '' } })
  const create = useMutation({
    mutationFn: ({ name }: Values) =>
      api(configurations.create, { name, yaml: starterYaml(name) }, { idempotencyKey: newId('req') }),
    onSuccess: async ({ id }) => {
      await queryClient.invalidateQueries({ queryKey: configurationQueries.all })
      router.push(`/configurations/${id}`)
    },
    onError: (thrown) => setGeneral(placeProblems(thrown, ['name'], form.setError)),
  })
  const error = form.formState.errors.name
  return (
    <FormDialog
      title="Create configuration"
      description="It begins with the built-in sandbox provider; no gateway runs it until you roll it out."
      verb="Create configuration"
      doing="Creating…"
      problem={general}
      isPending={create.isPending}
      onSubmit={form.handleSubmit((values) => {
        setGeneral(null)
        create.mutate(values)
      })}
      onClose={onClose}
    >
      <Field id="configuration-name" label="Name" hint="Such as production or team-research." error={error?.message}>
        <Input {...describedBy('configuration-name', error)} autoComplete="off" {...form.register('name')} />
      </Field>
    </FormDialog>
  )
}
