'use client'

import Link from 'next/link'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { StatusBadge } from '@/components/ui/status-badge'
import { useNeeds } from './use-needs'

const SHOWN_MAX = 5
const LIST = new Intl.ListFormat('en')

/** What needs a person now, the worst first; each leads to where it is looked into. Absent while nothing is known to. */
export function NeedsPerson() {
  const { needs, unread } = useNeeds()
  const [isWhole, setIsWhole] = useState(false)
  if (needs.length === 0 && unread.length === 0) return null
  const shown = isWhole ? needs : needs.slice(0, SHOWN_MAX)
  return (
    <section aria-labelledby="needs-person" className="rounded-md border bg-surface">
      <h2 id="needs-person" className="border-b px-4 py-3 font-medium">
        Needs a person now
      </h2>
      <ul className="divide-y">
        {shown.map(({ id, href, title, tone, standing, words }) => (
          <li key={id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-sm">
            <Link href={href} className="min-w-40 max-w-full break-words font-medium hover:underline">
              <bdi>{title}</bdi>
            </Link>
            <StatusBadge tone={tone}>{standing}</StatusBadge>
            <span className="min-w-0 break-words text-fg-muted tabular-nums">{words}</span>
          </li>
        ))}
        {unread.length > 0 && (
          <li role="alert" className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-sm">
            <span>
              Not known of {LIST.format(unread.map(({ what }) => what))}: {unread.length === 1 ? 'it' : 'they'} could
              not be loaded.
            </span>
            <Button
              size="sm"
              onClick={() => {
                for (const { retry } of unread) retry()
              }}
            >
              Try again
            </Button>
          </li>
        )}
      </ul>
      {needs.length > SHOWN_MAX && (
        <div className="border-t px-2 py-1">
          <Button size="sm" variant="ghost" aria-expanded={isWhole} onClick={() => setIsWhole(!isWhole)}>
            {isWhole ? 'Show fewer' : `Show ${needs.length - SHOWN_MAX} more`}
          </Button>
        </div>
      )}
    </section>
  )
}
