'use client'

import { Check, ListFilter, Search, X } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Button } from './button'
import { cn } from './cn'
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from './dropdown-menu'
import { fieldClasses } from './input'

export type Facet = {
  id: string
  label: string
  value: string | null
  /** `chosenLabel` stands on the button once it is chosen; `label` unless given. */
  options: readonly { value: string; label: ReactNode; chosenLabel?: string }[]
  onChange: (value: string | null) => void
}

type Completion = { start: number; end: number; options: readonly string[] }

type FilterBarProps = {
  /** The accessible name of the text field. */
  label: string
  placeholder: string
  text: string
  /** Called when typing rests, on Enter and when cleared. */
  onTextChange: (text: string) => void
  /** What may stand in place of the text from `start` to `end` while the caret is where it is, best first. */
  complete?: (text: string, caret: number) => Completion
  /** Why the text is not a filter. */
  error?: string | undefined
  facets?: readonly Facet[]
  isFiltered: boolean
  onClear: () => void
  /** More controls, such as the time range. */
  children?: ReactNode
}

/** One field for the filter grammar that API and CLI read too, and facets to pick from. The caller keeps both in the URL. */
export function FilterBar({ facets = [], isFiltered, onClear, children, error, ...field }: FilterBarProps) {
  return (
    <div className="flex min-w-0 flex-1 flex-col gap-1">
      <div className="flex flex-wrap items-center gap-2">
        <FilterField {...field} isInvalid={Boolean(error)} />
        {facets.map((facet) => (
          <FacetMenu key={facet.id} facet={facet} />
        ))}
        {children}
        {isFiltered && (
          <Button variant="ghost" size="sm" onClick={onClear}>
            <X /> Clear
          </Button>
        )}
      </div>
      <p role="alert" className="text-danger-text text-xs empty:hidden">
        {error}
      </p>
    </div>
  )
}

type FilterFieldProps = Pick<FilterBarProps, 'label' | 'placeholder' | 'text' | 'onTextChange' | 'complete'> & {
  isInvalid: boolean
}

const OFFERED_MAX = 8

function FilterField({ label, placeholder, text, onTextChange, complete, isInvalid }: FilterFieldProps) {
  const [draft, setDraft] = useState(text)
  const [caret, setCaret] = useState(text.length)
  const [isFocused, setIsFocused] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const seen = useRef(text)

  // The URL may change from outside: the back button, a link, "filter by this value".
  useEffect(() => {
    if (seen.current !== text) setDraft(text)
    seen.current = text
  }, [text])

  useEffect(() => {
    if (draft === seen.current) return
    const timer = setTimeout(() => {
      seen.current = draft
      onTextChange(draft)
    }, 300)
    return () => clearTimeout(timer)
  }, [draft, onTextChange])

  const found = isFocused && draft !== '' ? complete?.(draft, Math.min(caret, draft.length)) : undefined
  const typed = found ? draft.slice(found.start, found.end) : ''
  const offered = found?.options.filter((item) => item !== typed).slice(0, OFFERED_MAX) ?? []
  const take = (item: string) => {
    if (!found) return
    setDraft(draft.slice(0, found.start) + item + draft.slice(found.end))
    setCaret(found.start + item.length)
    input.current?.focus()
  }
  return (
    <div className="relative w-full min-w-40 sm:w-72 sm:flex-1 sm:max-w-lg">
      <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-fg-muted" />
      <input
        ref={input}
        type="search"
        aria-label={label}
        aria-invalid={isInvalid || undefined}
        placeholder={placeholder}
        autoComplete="off"
        spellCheck={false}
        value={draft}
        onChange={(event) => {
          setDraft(event.target.value)
          setCaret(event.target.selectionStart ?? event.target.value.length)
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? draft.length)}
        onFocus={() => setIsFocused(true)}
        onBlur={(event) => {
          if (!event.currentTarget.parentElement?.contains(event.relatedTarget)) setIsFocused(false)
        }}
        onKeyDown={(event) => {
          const [first] = offered
          if (event.key === 'Enter') {
            seen.current = draft
            onTextChange(draft)
          }
          if (event.key === 'Tab' && !event.shiftKey && first) {
            event.preventDefault()
            take(first)
          }
        }}
        className={cn(fieldClasses, 'h-8 pr-2.5 pl-8')}
      />
      {offered.length > 0 && (
        <ul className="absolute top-full left-0 z-30 mt-1 max-h-72 w-full overflow-y-auto rounded-md border bg-raised p-1 shadow-overlay">
          {offered.map((item, index) => (
            <li key={item}>
              <button
                type="button"
                className="flex w-full items-center justify-between rounded-md px-2 py-1 text-left font-mono text-xs hover:bg-hover"
                onClick={() => take(item)}
              >
                <span className="min-w-0 break-all">{item}</span>
                {index === 0 && <kbd className="font-sans text-fg-muted">Tab</kbd>}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function FacetMenu({ facet }: { facet: Facet }) {
  const chosen = facet.options.find((option) => option.value === facet.value)
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button size="md" className={cn('border-dashed font-normal', chosen && 'border-accent border-solid')}>
          <ListFilter className="text-fg-muted" />
          {facet.label}
          {chosen && <span className="max-w-40 truncate font-medium">{chosen.chosenLabel ?? chosen.label}</span>}
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="start">
        {facet.options.map((option) => (
          <DropdownMenuItem
            key={option.value}
            onSelect={() => facet.onChange(option.value === facet.value ? null : option.value)}
          >
            <span className="flex-1">{option.label}</span>
            {option.value === facet.value && <Check aria-label="chosen" />}
          </DropdownMenuItem>
        ))}
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
