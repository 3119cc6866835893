import type { ReactNode } from 'react'

type PageHeaderProps = { title: string; description?: ReactNode; actions?: ReactNode }

export function PageHeader({ title, description, actions }: PageHeaderProps) {
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
      <div className="min-w-0">
        <h1 dir="auto" className="break-words text-left font-semibold text-lg tracking-tight">
          {title}
        </h1>
        {description && <p className="mt-0.5 max-w-2xl text-pretty text-fg-muted text-sm">{description}</p>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </div>
  )
}
