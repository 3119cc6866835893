'use client'

import { Check, ChevronDown } from 'lucide-react'
import { Select as Primitive } from 'radix-ui'
import type { ComponentProps, ReactNode } from 'react'
import { cn } from './cn'
import { fieldClasses } from './input'

type Option = { value: string; label: ReactNode; hint?: ReactNode; disabled?: boolean }

type SelectProps = {
  id?: string
  value: string | undefined
  onValueChange: (value: string) => void
  options: readonly Option[]
  placeholder?: string
  disabled?: boolean
  className?: string
} & Pick<ComponentProps<'button'>, 'aria-label' | 'aria-describedby' | 'aria-invalid'>

export function Select({ value, onValueChange, options, placeholder, disabled, className, ...trigger }: SelectProps) {
  return (
    <Primitive.Root value={value ?? ''} onValueChange={onValueChange} disabled={disabled}>
      <Primitive.Trigger
        {...trigger}
        className={cn(
          fieldClasses,
          // The chosen one takes one line, however long it is.
          'flex h-8 items-center justify-between gap-2 px-2.5 text-left data-placeholder:text-fg-muted [&>span:first-child]:min-w-0 [&>span:first-child]:truncate',
          className,
        )}
      >
        <Primitive.Value placeholder={placeholder} />
        <Primitive.Icon>
          <ChevronDown className="size-4 text-fg-muted" />
        </Primitive.Icon>
      </Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Content
          position="popper"
          sideOffset={4}
          className="z-50 max-h-(--radix-select-content-available-height) min-w-(--radix-select-trigger-width) animate-fade-in overflow-hidden rounded-md border bg-raised shadow-overlay"
        >
          <Primitive.Viewport className="p-1">
            {options.map((option) => (
              <Primitive.Item
                key={option.value}
                value={option.value}
                disabled={option.disabled}
                className="relative flex select-none flex-col rounded-md py-1.5 pr-8 pl-2.5 text-sm outline-none data-disabled:opacity-55 data-highlighted:bg-hover"
              >
                <Primitive.ItemText>{option.label}</Primitive.ItemText>
                {option.hint && <span className="text-fg-muted text-xs">{option.hint}</span>}
                <Primitive.ItemIndicator className="absolute top-2 right-2">
                  <Check className="size-4" />
                </Primitive.ItemIndicator>
              </Primitive.Item>
            ))}
          </Primitive.Viewport>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  )
}
