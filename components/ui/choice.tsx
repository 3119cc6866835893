'use client'

import { ToggleGroup } from 'radix-ui'
import { cn } from './cn'

type ChoiceProps = {
  label: string
  value: string
  onChange: (value: string) => void
  options: readonly { value: string; label: string }[]
  className?: string
}

/** One of a few, all in view. */
export function Choice({ label, value, onChange, options, className }: ChoiceProps) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(next) => next && onChange(next)}
      className={cn('flex flex-wrap gap-1', className)}
    >
      {options.map((option) => (
        <ToggleGroup.Item
          key={option.value}
          value={option.value}
          className="h-7 rounded-md border border-border-input bg-surface px-2.5 text-xs hover:bg-hover data-[state=on]:border-accent data-[state=on]:bg-selected data-[state=on]:font-medium"
        >
          {option.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  )
}
