'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import type { z } from 'zod'
import { useCan } from '@/components/shell/whoami-context'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { placeProblems } from '@/components/ui/form-problems'
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
  return open ? <EditForm token={token} onClose={() => onOpenChange(false)} /> : null
}

type Change = z.input<typeof tokens.update.input>

const FIELDS = ['name', 'allowed_models', 'allowed_providers'] as const

function EditForm({ token, onClose }: { token: Token; onClose: () => void }) {
  const [general, setGeneral] = useState<string | null>(null)
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
    setGeneral(null)
    update.mutate(change, {
      onSuccess: () => {
        notice.success('The key was changed.')
        onClose()
      },
      onError: (thrown) => setGeneral(placeProblems(thrown, FIELDS, form.setError)),
    })
  })
  return (
    <FormDialog
      title={`Change ${token.name}`}
      description="The secret stays the same."
      formClassName="gap-5"
      verb="Save changes"
      doing="Saving…"
      problem={general}
      isPending={update.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
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
    </FormDialog>
  )
}
