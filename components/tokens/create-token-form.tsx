'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { useCan, useWhoami } from '@/components/shell/whoami-context'
import { Choice } from '@/components/ui/choice'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { placeProblems } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { Select } from '@/components/ui/select'
import { ROLE_IDS, ROLES } from '@/lib/contract/permissions'
import { type Token, TokenCreate, tokens } from '@/lib/contract/tokens'
import { AuthorityFields, defaultRole } from './authority-fields'
import { ExpiryField, inDays } from './expiry-field'
import { NamesLimit } from './scope-fields'
import type { ShownSecret } from './secret-dialog'
import { tokenQueries } from './token-queries'
import { TYPE_WORDS } from './token-words'
import { useSuggestedName } from './use-suggested-name'
import { useTokenCommand } from './use-token-command'

const DEFAULT_DAYS: Record<Token['token_type'], number> = { access: 90, gateway: 30 }

/** An empty list allows nothing: a key that nobody wants. */
export const EMPTY_LIST_WORDS = 'Add at least one name, or lift the limit.'

/** What the form asks beyond the wire's shape: a gateway process key names its gateway. */
const FormSchema = TokenCreate.superRefine((value, check) => {
  if (value.purpose === 'gateway_runtime' && !value.gateway_id) {
    check.addIssue({ code: 'custom', path: ['gateway_id'], message: 'Choose the gateway that will use this key.' })
  }
  if (value.purpose === 'integration' && value.permissions?.length === 0) {
    check.addIssue({ code: 'custom', path: ['permissions'], message: 'Choose at least one permission.' })
  }
  for (const field of ['allowed_models', 'allowed_providers'] as const) {
    if (value[field]?.length === 0) check.addIssue({ code: 'custom', path: [field], message: EMPTY_LIST_WORDS })
  }
})

type CreateTokenFormProps = {
  type: Token['token_type']
  onClose: () => void
  onCreated: (secret: ShownSecret) => void
}

const FIELDS = [
  'name',
  'gateway_id',
  'permissions',
  'role_id',
  'allowed_models',
  'allowed_providers',
  'expires_at',
  'agent_id',
] as const

/** What a new key is called and may do. */
export function CreateTokenForm({ type, onClose, onCreated }: CreateTokenFormProps) {
  const { permissions: held, team_id } = useWhoami()
  const served = useQuery({ ...tokenQueries.served(), enabled: useCan('gateways:read') }).data
  const create = useTokenCommand(tokens.create)
  const suggestedName = useSuggestedName(type)
  const [general, setGeneral] = useState<string | null>(null)

  const form = useForm<z.input<typeof TokenCreate>, unknown, z.output<typeof TokenCreate>>({
    resolver: zodResolver(FormSchema),
    defaultValues: {
      name: '',
      token_type: type,
      purpose: type === 'access' ? 'integration' : 'general',
      scope: 'org',
      expires_at: inDays(DEFAULT_DAYS[type]),
      role_id:
        type === 'access'
          ? defaultRole(ROLE_IDS.filter((id) => ROLES[id]?.permissions.every((p) => held.includes(p))))
          : undefined,
      allowed_models: null,
      allowed_providers: null,
    },
    values: undefined,
  })
  const { errors } = form.formState
  const value = form.watch()
  const set = (values: Partial<z.input<typeof TokenCreate>>) => {
    for (const [name, next] of Object.entries(values)) {
      form.setValue(name as keyof z.input<typeof TokenCreate>, next, { shouldValidate: form.formState.isSubmitted })
    }
  }

  const submit = async (input: z.output<typeof TokenCreate>) => {
    setGeneral(null)
    try {
      const { key, token } = await create.mutateAsync(input)
      onCreated({ key, token, models: served?.models ?? [] })
    } catch (thrown) {
      setGeneral(placeProblems(thrown, FIELDS, form.setError))
    }
  }

  return (
    <FormDialog
      title={`Create ${TYPE_WORDS[type].one}`}
      className="max-w-xl"
      formClassName="gap-5"
      verb="Create key"
      doing="Creating…"
      problem={general}
      isPending={create.isPending}
      onSubmit={() => {
        if (!form.getValues('name').trim() && suggestedName) form.setValue('name', suggestedName)
        return form.handleSubmit(submit)()
      }}
      onClose={onClose}
    >
      <Field
        id="name"
        label="Name"
        hint="What uses it, and since when. Left empty, it becomes the suggested name."
        error={errors.name?.message}
      >
        <Input
          {...describedBy('name', errors.name)}
          placeholder={suggestedName}
          autoComplete="off"
          {...form.register('name')}
        />
      </Field>

      {type === 'access' && (
        <Field id="purpose" label="Purpose">
          <Choice
            label="Purpose"
            value={value.purpose ?? 'integration'}
            onChange={(purpose) =>
              purpose === 'gateway_runtime'
                ? set({ purpose, role_id: undefined, permissions: undefined })
                : set({ purpose: 'integration', gateway_id: undefined, role_id: defaultRole(ROLE_IDS) })
            }
            options={[
              { value: 'integration', label: 'Integration' },
              { value: 'gateway_runtime', label: 'Gateway process' },
            ]}
          />
        </Field>
      )}
      {type === 'access' && value.purpose === 'gateway_runtime' && (
        <Field
          id="gateway_id"
          label="Gateway"
          hint="The key lets this one gateway fetch its configuration and deliver its events."
          error={errors.gateway_id?.message}
        >
          <Select
            {...describedBy('gateway_id', errors.gateway_id)}
            value={value.gateway_id ?? undefined}
            placeholder="Choose a gateway"
            onValueChange={(gateway_id) => set({ gateway_id })}
            options={(served?.gateways ?? []).map(({ id, name }) => ({ value: id, label: name, hint: id }))}
          />
        </Field>
      )}
      {type === 'access' && value.purpose === 'integration' && (
        <AuthorityFields
          value={{ role_id: value.role_id, permissions: value.permissions }}
          onChange={set}
          error={errors.permissions?.message ?? errors.role_id?.message}
        />
      )}

      {type === 'gateway' && (
        <>
          <NamesLimit
            id="models"
            label="Models"
            anyLabel="Any model"
            values={value.allowed_models}
            onChange={(allowed_models) => set({ allowed_models })}
            served={served?.models ?? []}
            error={messageOf(errors.allowed_models)}
          />
          <NamesLimit
            id="providers"
            label="Providers"
            anyLabel="Any provider"
            values={value.allowed_providers}
            onChange={(allowed_providers) => set({ allowed_providers })}
            served={served?.providers ?? []}
            error={messageOf(errors.allowed_providers)}
          />
        </>
      )}

      <ExpiryField
        expiresAt={value.expires_at}
        onChange={(expires_at) => set({ expires_at })}
        defaultDays={DEFAULT_DAYS[type]}
        error={errors.expires_at?.message}
      />

      {team_id && (
        <Field id="scope" label="Scope">
          <Choice
            label="Scope"
            value={value.scope ?? 'org'}
            onChange={(scope) =>
              scope === 'team' ? set({ scope, team_id }) : set({ scope: 'org', team_id: undefined })
            }
            options={[
              { value: 'org', label: 'Whole organization' },
              { value: 'team', label: 'Your team' },
            ]}
          />
        </Field>
      )}
      {type === 'gateway' && (
        <Field
          id="agent_id"
          label="Agent"
          hint="Optional. Calls with this key are recorded under this agent."
          error={errors.agent_id?.message}
        >
          <Input
            {...describedBy('agent_id', errors.agent_id)}
            className="font-mono"
            placeholder="agent-finance-assistant"
            autoComplete="off"
            {...form.register('agent_id', {
              setValueAs: (text: string | null | undefined) => text?.trim() || undefined,
            })}
          />
        </Field>
      )}
    </FormDialog>
  )
}

/** The message of a list field: its own, or that of its first bad item. */
function messageOf(error: unknown): string | undefined {
  const parsed = z.object({ message: z.string() }).safeParse(Array.isArray(error) ? error.find(Boolean) : error)
  return parsed.success ? parsed.data.message : undefined
}
