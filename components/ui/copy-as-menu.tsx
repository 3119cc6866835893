'use client'

import { Copy } from 'lucide-react'
import { Button } from './button'
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from './dropdown-menu'
import { notice } from './notice'

type CopyAsMenuProps = {
  /** Label (`kt`, `curl`, `Python`) and the text behind it; "Copied as" stands before the label. */
  items: Record<string, string>
}

/** How to get at the same object outside the console. */
export function CopyAsMenu({ items }: CopyAsMenuProps) {
  const copy = (label: string, text: string) =>
    navigator.clipboard.writeText(text).then(
      () => notice.success(`Copied as ${label}.`),
      () => notice.error('The browser did not allow copying.'),
    )
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button size="sm">
          <Copy /> Copy as
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="start">
        {Object.entries(items).map(([label, text]) => (
          <DropdownMenuItem key={label} onSelect={() => void copy(label, text)}>
            {label}
          </DropdownMenuItem>
        ))}
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
