import type { ReactNode } from 'react'
import { CopyButton } from './copy-button'

type EmptyStateProps = {
  title: string
  /** One sentence: what this is, or why nothing is here. */
  children?: ReactNode
  action?: ReactNode
  /** The `kt` line that does the same. */
  command?: string
}

export function EmptyState({ title, children, action, command }: EmptyStateProps) {
  return (
    <div className="flex flex-col items-center gap-3 px-4 py-14 text-center">
      <div className="max-w-md">
        <p className="font-medium">{title}</p>
        {children && <div className="mt-1 text-balance text-fg-muted text-sm">{children}</div>}
      </div>
      {action}
      {command && (
        <div className="flex max-w-full items-center gap-1 rounded-md border bg-sunken py-1 pr-1 pl-3">
          <code className="min-w-0 break-words text-left font-mono text-xs">{command}</code>
          <CopyButton text={command} what="command" />
        </div>
      )}
    </div>
  )
}
