'use client'

import { Choice } from '@/components/ui/choice'
import { Field } from '@/components/ui/field'
import { TagInput } from '@/components/ui/tag-input'

type NamesLimitProps = {
  id: string
  label: string
  /** Words for no restriction, such as `Any model`. */
  anyLabel: string
  values: string[] | null | undefined
  onChange: (values: string[] | null) => void
  served: readonly string[]
  error: string | undefined
}

/** No restriction, or a list: picked from what gateways serve, or typed. */
export function NamesLimit({ id, label, anyLabel, values, onChange, served, error }: NamesLimitProps) {
  const isLimited = values !== null && values !== undefined
  return (
    <Field id={id} label={label} error={error}>
      <Choice
        label={label}
        value={isLimited ? 'listed' : 'any'}
        onChange={(value) => onChange(value === 'listed' ? [] : null)}
        options={[
          { value: 'any', label: anyLabel },
          { value: 'listed', label: 'Only these' },
        ]}
      />
      {isLimited && (
        <TagInput
          id={id}
          aria-describedby={`${id}-error`}
          values={values}
          onChange={onChange}
          offered={served}
          offeredLabel="Served now:"
          placeholder="Type a name, Enter adds it"
        />
      )}
    </Field>
  )
}
