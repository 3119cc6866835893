'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { SecretDialog, type ShownSecret } from '@/components/tokens/secret-dialog'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { gateways } from '@/lib/contract/gateways'
import { tokens } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { gatewayQueries } from './gateway-queries'

const FORM_ID = 'register-gateway'
const Values = z.object({ id: gateways.register.input.shape.id })
type Values = z.infer<typeof Values>

/** Registers a gateway and makes the key that its process presents; the key is shown once with the command to run. */
export function RegisterDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [secret, setSecret] = useState<ShownSecret | null>(null)
  const [isPending, setIsPending] = useState(false)
  return (
    <>
      <Dialog open={open && secret === null} onOpenChange={(next) => !next && onClose()}>
        <DialogContent
          title="Register a gateway"
          description="It gets an id and a key of its own. Start it wherever your applications are."
          footer={
            <>
              <DialogClose asChild>
                <Button>Cancel</Button>
              </DialogClose>
              <Button type="submit" form={FORM_ID} variant="primary" disabled={isPending}>
                {isPending ? 'Registering…' : 'Register gateway'}
              </Button>
            </>
          }
        >
          <RegisterForm
            onPending={setIsPending}
            onCreated={(created) => {
              setSecret(created)
              onClose()
            }}
          />
        </DialogContent>
      </Dialog>
      {secret && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </>
  )
}

type RegisterFormProps = { onPending: (isPending: boolean) => void; onCreated: (secret: ShownSecret) => void }

function RegisterForm({ onPending, onCreated }: RegisterFormProps) {
  const queryClient = useQueryClient()
  const form = useForm<Values>({ resolver: zodResolver(Values), defaultValues: { id: '' } })
  const register = useMutation({
    mutationFn: async ({ id }: Values) => {
      onPending(true)
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
    onSettled: () => {
      onPending(false)
      return queryClient.invalidateQueries({ queryKey: gatewayQueries.all })
    },
  })
  const error = form.formState.errors.id
  return (
    <form
      id={FORM_ID}
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((values) => register.mutate(values))}
    >
      {register.error && (
        <Callout tone="danger" role="alert">
          {register.error.message}
        </Callout>
      )}
      <Field
        id="gateway-id"
        label="Gateway id"
        hint="Letters, digits, dots, dashes and underscores, such as proxy_production_01. It cannot be changed later."
        error={error && 'Use 1 to 80 letters, digits, dots, dashes or underscores; begin with a letter or digit.'}
      >
        <Input
          {...describedBy('gateway-id', error)}
          autoComplete="off"
          className="font-mono"
          {...form.register('id')}
        />
      </Field>
    </form>
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
