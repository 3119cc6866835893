'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useQuery } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import type { z } from 'zod'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { type Token, tokens } from '@/lib/contract/tokens'
import { EMPTY_LIST_WORDS } from './create-token-form'
import { NamesLimit } from './scope-fields'
import { tokenQueries } from './token-queries'
import { useTokenCommand } from './use-token-command'

type EditTokenDialogProps = { token: Token; open: boolean; onOpenChange: (open: boolean) => void }

/** Name and, for gateway keys, what the key may use. The secret stays; gateways hear of it at once. */
export function EditTokenDialog({ token, open, onOpenChange }: EditTokenDialogProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange}>
      {open && (
        <DialogContent title={`Change ${token.name}`} description="The secret stays the same.">
          <EditForm token={token} onDone={() => onOpenChange(false)} />
        </DialogContent>
      )}
    </Dialog>
  )
}

type Change = z.input<typeof tokens.update.input>

function EditForm({ token, onDone }: { token: Token; onDone: () => void }) {
  const isGateway = token.token_type === 'gateway'
  const served = useQuery({ ...tokenQueries.served(), enabled: useCan('gateways:read') && isGateway }).data
  const update = useTokenCommand(tokens.update)
  const form = useForm<Change>({
    resolver: zodResolver(tokens.update.input),
    defaultValues: {
      id: token.id,
      name: token.name,
      ...(isGateway ? { allowed_models: token.allowed_models, allowed_providers: token.allowed_providers } : {}),
    },
  })
  const { errors } = form.formState
  const models = form.watch('allowed_models')
  const providers = form.watch('allowed_providers')
  const hasEmptyList = models?.length === 0 || providers?.length === 0

  const submit = form.handleSubmit((change) => {
    if (hasEmptyList) return
    update.mutate(change, {
      onSuccess: () => {
        notice.success('The key was changed.')
        onDone()
      },
    })
  })
  return (
    <form noValidate className="flex flex-col gap-5" onSubmit={submit}>
      {update.error && (
        <Callout tone="danger" role="alert">
          {update.error.message}
        </Callout>
      )}
      <Field id="edit-name" label="Name" error={errors.name?.message}>
        <Input {...describedBy('edit-name', errors.name)} autoComplete="off" {...form.register('name')} />
      </Field>
      {isGateway && (
        <>
          <NamesLimit
            id="edit-models"
            label="Models"
            anyLabel="Any model"
            values={models}
            onChange={(values) => form.setValue('allowed_models', values)}
            served={served?.models ?? []}
            error={form.formState.isSubmitted && models?.length === 0 ? EMPTY_LIST_WORDS : undefined}
          />
          <NamesLimit
            id="edit-providers"
            label="Providers"
            anyLabel="Any provider"
            values={providers}
            onChange={(values) => form.setValue('allowed_providers', values)}
            served={served?.providers ?? []}
            error={form.formState.isSubmitted && providers?.length === 0 ? EMPTY_LIST_WORDS : undefined}
          />
        </>
      )}
      <div className="flex justify-end gap-2">
        <DialogClose asChild>
          <Button>Cancel</Button>
        </DialogClose>
        <Button type="submit" variant="primary" disabled={update.isPending}>
          {update.isPending ? 'Saving…' : 'Save changes'}
        </Button>
      </div>
    </form>
  )
}
