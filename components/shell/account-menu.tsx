'use client'

import { BookOpen, CircleUser, LogOut, MonitorSmartphone } from 'lucide-react'
import Link from 'next/link'
import { Button } from '@/components/ui/button'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu'
import { notice } from '@/components/ui/notice'
import { ROLES } from '@/lib/contract/permissions'
import { signOut } from './auth-post'
import { useWhoami } from './whoami-context'

export function AccountMenu() {
  const { actor, role_id } = useWhoami()
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={`Account: ${actor.name}`}>
          <CircleUser className="text-fg-muted" />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent className="max-w-72">
        <DropdownMenuLabel>
          <span className="block truncate font-medium text-fg text-sm">{actor.name}</span>
          <span className="block truncate">{actor.email}</span>
          {role_id && <span className="block">{ROLES[role_id]?.name}</span>}
        </DropdownMenuLabel>
        <DropdownMenuSeparator />
        <DropdownMenuItem asChild>
          <Link href="/settings/sessions">
            <MonitorSmartphone /> Your sessions
          </Link>
        </DropdownMenuItem>
        <DropdownMenuItem asChild>
          <Link href="/docs/api">
            <BookOpen /> API reference
          </Link>
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => void signOutOrSay()}>
          <LogOut /> Sign out
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}

export async function signOutOrSay() {
  try {
    await signOut()
  } catch {
    notice.error('You are still signed in: the server did not answer.', { description: 'Try again in a moment.' })
  }
}
