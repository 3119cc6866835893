import Link from 'next/link'
import type { ReactNode } from 'react'

type StatProps = {
  label: string
  value: ReactNode
  note?: ReactNode
  /** Where the rows behind the number are. */
  href?: string
}

export function Stat({ label, value, note, href }: StatProps) {
  const body = (
    <>
      <span className="text-fg-muted text-xs">{label}</span>
      <span className="font-semibold text-lg tabular-nums">{value}</span>
      {note && <span className="text-fg-muted text-xs">{note}</span>}
    </>
  )
  const classes = 'flex min-w-0 flex-col gap-0.5 rounded-md border bg-surface px-4 py-3'
  if (!href) return <div className={classes}>{body}</div>
  return (
    <Link href={href} className={`${classes} hover:bg-hover`}>
      {body}
    </Link>
  )
}
