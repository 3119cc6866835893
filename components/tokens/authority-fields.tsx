'use client'

import { useWhoami } from '@/components/shell/whoami-context'
import { Checkbox } from '@/components/ui/checkbox'
import { Choice } from '@/components/ui/choice'
import { Field } from '@/components/ui/field'
import { Select } from '@/components/ui/select'
import { type Permission, ROLE_IDS, ROLES, type RoleId } from '@/lib/contract/permissions'

export type Authority = { role_id: RoleId | undefined; permissions: Permission[] | undefined }

type AuthorityFieldsProps = { value: Authority; onChange: (value: Authority) => void; error: string | undefined }

/** A role or single permissions, never more than the viewer holds. */
export function AuthorityFields({ value, onChange, error }: AuthorityFieldsProps) {
  const { permissions: held } = useWhoami()
  const roles = ROLE_IDS.filter((id) => ROLES[id]?.permissions.every((permission) => held.includes(permission)))
  const chosen = value.permissions
  return (
    <Field
      id="authority"
      label="May do"
      error={error}
      hint={chosen ? undefined : 'Only roles that hold no more than you do are listed.'}
    >
      <Choice
        label="Role or permissions"
        value={chosen ? 'permissions' : 'role'}
        onChange={(next) =>
          onChange(
            next === 'role'
              ? { role_id: defaultRole(roles), permissions: undefined }
              : { role_id: undefined, permissions: [] },
          )
        }
        options={[
          { value: 'role', label: 'What a role may' },
          { value: 'permissions', label: 'Single permissions' },
        ]}
      />
      {chosen ? (
        <div className="grid gap-x-4 gap-y-1.5 pt-1 sm:grid-cols-2">
          {held.map((permission) => (
            <label key={permission} htmlFor={`may-${permission}`} className="flex items-center gap-2 font-mono text-xs">
              <Checkbox
                id={`may-${permission}`}
                checked={chosen.includes(permission)}
                onCheckedChange={(checked) =>
                  onChange({
                    role_id: undefined,
                    permissions: checked ? [...chosen, permission] : chosen.filter((item) => item !== permission),
                  })
                }
              />
              {permission}
            </label>
          ))}
        </div>
      ) : (
        <Select
          id="authority"
          aria-describedby="authority-hint authority-error"
          value={value.role_id}
          onValueChange={(id) => onChange({ role_id: roles.find((role) => role === id), permissions: undefined })}
          options={roles.map((id) => ({ value: id, label: ROLES[id]?.name ?? id, hint: ROLES[id]?.description }))}
        />
      )}
    </Field>
  )
}

/** The least that is useful for automation, when the viewer may give it. */
export const defaultRole = (roles: readonly RoleId[]): RoleId | undefined =>
  roles.find((id) => id === 'role_viewer') ?? roles[0]
