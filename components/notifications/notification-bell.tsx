'use client'

import { useQuery } from '@tanstack/react-query'
import { Bell } from 'lucide-react'
import Link from 'next/link'
import { Button } from '@/components/ui/button'
import { notificationQueries } from './notification-queries'
import { unreadText } from './notification-words'

/** How many there are that were not read; as long as nobody knows, none are claimed. */
export function NotificationBell() {
  const { data: unread = 0 } = useQuery(notificationQueries.unread())
  return (
    <Button asChild variant="ghost" size="icon" className="relative">
      <Link
        href="/notifications"
        aria-label={unread > 0 ? `Notifications: ${unreadText(unread)} unread` : 'Notifications'}
      >
        <Bell className="text-fg-muted" />
        {unread > 0 && (
          <span
            aria-hidden
            className="absolute -top-0.5 -right-0.5 min-w-4 rounded-full bg-accent px-1 text-center font-medium text-[0.625rem] text-accent-fg leading-4 tabular-nums"
          >
            {unreadText(unread)}
          </span>
        )}
      </Link>
    </Button>
  )
}
