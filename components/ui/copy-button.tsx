'use client'

import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button } from './button'
import { notice } from './notice'

type CopyButtonProps = {
  text: string
  /** What is copied, such as `gateway id`; becomes the accessible name. */
  what: string
  /** Shown beside the icon; without it the button is an icon. */
  label?: string
  onCopied?: () => void
  className?: string
}

export function CopyButton({ text, what, label, onCopied, className }: CopyButtonProps) {
  const [copied, setCopied] = useState(false)
  useResetAfter(copied, 1_500, () => setCopied(false))

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
      onCopied?.()
    } catch {
      notice.error(`The browser did not allow copying the ${what}.`, {
        description: 'Select the text and copy it by hand.',
      })
    }
  }
  return (
    <Button
      variant={label ? 'outline' : 'ghost'}
      size={label ? 'sm' : 'icon-sm'}
      className={className}
      aria-label={label ? undefined : `Copy ${what}`}
      onClick={(event) => {
        event.stopPropagation()
        void copy()
      }}
    >
      {copied ? <Check className="text-ok" /> : <Copy className={label ? undefined : 'size-3.5! text-fg-muted'} />}
      {label && (copied ? 'Copied' : label)}
      <span role="status" className="sr-only">
        {copied ? `Copied ${what}` : ''}
      </span>
    </Button>
  )
}

/** Calls `reset` once `active` has stood for `ms` milliseconds. */
function useResetAfter(active: boolean, ms: number, reset: () => void) {
  useEffect(() => {
    if (!active) return
    const timer = setTimeout(reset, ms)
    return () => clearTimeout(timer)
  })
}
