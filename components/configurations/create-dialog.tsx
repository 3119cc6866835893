'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from 'next/navigation'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { configurations } from '@/lib/contract/configurations'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { configurationQueries } from './configuration-queries'
import { starterYaml } from './starter'

const FORM_ID = 'create-configuration'
const Values = z.object({ name: configurations.create.input.shape.name })
type Values = z.infer<typeof Values>

export function CreateDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
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
  })
  const error = form.formState.errors.name
  return (
    <Dialog open={open} onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title="Create a configuration"
        description="It begins with the built-in sandbox provider; no gateway runs it until you roll it out."
        footer={
          <>
            <DialogClose asChild>
              <Button>Cancel</Button>
            </DialogClose>
            <Button type="submit" form={FORM_ID} variant="primary" disabled={create.isPending}>
              {create.isPending ? 'Creating…' : 'Create configuration'}
            </Button>
          </>
        }
      >
        <form
          id={FORM_ID}
          noValidate
          className="flex flex-col gap-4"
          onSubmit={form.handleSubmit((values) => create.mutate(values))}
        >
          {create.error && (
            <Callout tone="danger" role="alert">
              {create.error.message}
            </Callout>
          )}
          <Field
            id="configuration-name"
            label="Name"
            hint="Such as production or team-research."
            error={error?.message}
          >
            <Input {...describedBy('configuration-name', error)} autoComplete="off" {...form.register('name')} />
          </Field>
        </form>
      </DialogContent>
    </Dialog>
  )
}
