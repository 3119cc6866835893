'use client'

import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import { Button } from './button'
import { fieldClasses } from './input'

type TagInputProps = {
  id: string
  values: string[]
  onChange: (values: string[]) => void
  /** Offered below the field, one press each. */
  offered?: readonly string[]
  offeredLabel?: string
  placeholder?: string
  'aria-describedby'?: string
}

/** Names typed (Enter or comma ends one) or picked. */
export function TagInput({ id, values, onChange, offered = [], offeredLabel, placeholder, ...aria }: TagInputProps) {
  const [draft, setDraft] = useState('')
  const add = (text: string) => {
    const names = text.split(/[\s,]+/).filter(Boolean)
    if (names.length > 0) onChange([...new Set([...values, ...names])])
    setDraft('')
  }
  const left = offered.filter((name) => !values.includes(name))
  return (
    <div className="flex flex-col gap-2">
      <div
        className={`${fieldClasses} flex min-h-8 flex-wrap items-center gap-1 p-1 focus-within:outline-2 focus-within:outline-ring`}
      >
        {values.map((name) => (
          <span
            key={name}
            className="inline-flex h-7 max-w-full items-center gap-0.5 rounded-md bg-selected pl-2 font-mono text-xs"
          >
            <span className="truncate">{name}</span>
            <button
              type="button"
              aria-label={`Remove ${name}`}
              className="inline-flex size-7 shrink-0 items-center justify-center rounded-md"
              onClick={() => onChange(values.filter((value) => value !== name))}
            >
              <X aria-hidden className="size-3" />
            </button>
          </span>
        ))}
        <input
          {...aria}
          id={id}
          value={draft}
          placeholder={values.length === 0 ? placeholder : undefined}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          className="h-6 min-w-24 flex-1 bg-transparent px-1.5 font-mono text-xs outline-none"
          onChange={(event) =>
            event.target.value.endsWith(',') ? add(event.target.value) : setDraft(event.target.value)
          }
          onBlur={() => add(draft)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && draft) {
              event.preventDefault()
              add(draft)
            }
            if (event.key === 'Backspace' && draft === '') onChange(values.slice(0, -1))
          }}
        />
      </div>
      {left.length > 0 && (
        <div className="flex flex-wrap items-center gap-1">
          {offeredLabel && <span className="text-fg-muted text-xs">{offeredLabel}</span>}
          {left.slice(0, 24).map((name) => (
            <Button
              key={name}
              size="sm"
              className="h-6 border-border border-dashed px-1.5 font-mono font-normal"
              onClick={() => add(name)}
            >
              <Plus className="size-3!" />
              <span className="sr-only">Add </span>
              {name}
            </Button>
          ))}
        </div>
      )}
    </div>
  )
}
