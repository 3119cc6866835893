'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { SecretDialog, type ShownSecret } from '@/components/tokens/secret-dialog'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { placeProblems } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { gateways } from '@/lib/contract/gateways'
import { tokens } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { gatewayQueries } from './gateway-queries'

const { id: GatewayId } = gateways.register.input.shape
const Values = z.object({
  id: z
    .string()
    .refine(
      (id) => GatewayId.safeParse(id).success,
      'Use 1 to 80 letters, digits, dots, dashes or underscores; begin with a letter or digit.',
    ),
})
type Values = z.infer<typeof Values>

/** Registers a gateway and makes the key that its process presents; the key is shown once with the command to run. */
export function RegisterDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [secret, setSecret] = useState<ShownSecret | null>(null)
  return (
    <>
      {open && secret === null && (
        <Register
          onClose={onClose}
          onCreated={(created) => {
            setSecret(created)
            onClose()
          }}
        />
      )}
      {secret && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </>
  )
}

type RegisterProps = { onClose: () => void; onCreated: (secret: ShownSecret) => void }

function Register({ onClose, onCreated }: RegisterProps) {
  const [general, setGeneral] = useState<string | null>(null)
  const queryClient = useQueryClient()
  const form = useForm<Values>({ resolver: zodResolver(Values), defaultValues: { id: '' } })
  const register = useMutation({
    mutationFn: async ({ id }: Values) => {
      await registered(id)
      const runtimeKey = {
        name: `${id} runtime`,
        token_type: 'access',
        purpose: 'gateway_runtime',
        gateway_id: id,
      } as const
      return api(tokens.create, runtimeKey, { idempotencyKey: newId('req') })
    },
    gcTime: 0,
    onSuccess: ({ key, token }) => onCreated({ key, token, models: [] }),
    onError: (thrown) => setGeneral(placeProblems(thrown, ['id'], form.setError)),
    onSettled: () => queryClient.invalidateQueries({ queryKey: gatewayQueries.all }),
  })
  const error = form.formState.errors.id
  return (
    <FormDialog
      title="Register gateway"
      description="It gets an id and a key of its own. Start it wherever your applications are."
      verb="Register gateway"
      doing="Registering…"
      problem={general}
      isPending={register.isPending}
      onSubmit={form.handleSubmit((values) => {
        setGeneral(null)
        register.mutate(values)
      })}
      onClose={onClose}
    >
      <Field
        id="gateway-id"
        label="Gateway id"
        hint="Letters, digits, dots, dashes and underscores, such as proxy_production_01. It cannot be changed later."
        error={error?.message}
      >
        <Input
          {...describedBy('gateway-id', error)}
          autoComplete="off"
          className="font-mono"
          {...form.register('id')}
        />
      </Field>
    </FormDialog>
  )
}

/** A gateway whose key could not be made the first time is registered already: trying again then makes only the key. */
async function registered(id: string): Promise<void> {
  try {
    await api(gateways.register, { id }, { idempotencyKey: newId('req') })
  } catch (thrown) {
    const known = thrown instanceof AppError && thrown.code === 'name_taken'
    if (!known) throw thrown
    const existing = await api(gateways.get, { id })
    if (existing.status !== 'pending') throw thrown
  }
}
