'use client'

import { Copy } from 'lucide-react'
import { Button } from '@/components/ui/button'
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from '@/components/ui/dropdown-menu'
import { notice } from '@/components/ui/notice'
import type { DecisionEvent } from '@/lib/contract/events'

/** What else gives the same event: a command, a call, a link. */
export function CopyEventAs({ event }: { event: DecisionEvent }) {
  const copy = async (what: string, text: string) => {
    try {
      await navigator.clipboard.writeText(text)
      notice.success(`Copied ${what}`)
    } catch {
      notice.error(`The browser did not allow copying ${what}.`)
    }
  }
  const { event_id } = event
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button size="sm">
          <Copy /> Copy as
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="end">
        <DropdownMenuItem onSelect={() => void copy('the kt command', `kt events get ${event_id}`)}>
          kt
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => void copy('the curl command', curlFor(event_id, window.location.origin))}>
          curl
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => void copy('the JSON', JSON.stringify(event, null, 2))}>JSON</DropdownMenuItem>
        <DropdownMenuItem
          onSelect={() =>
            void copy('the link', `${window.location.origin}/history?open=${encodeURIComponent(event_id)}`)
          }
        >
          Link
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}

const curlFor = (id: string, origin: string) =>
  `curl -fsS -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" "${origin}/v1/events/${encodeURIComponent(id)}"`
