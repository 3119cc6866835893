import { CircleCheck, CircleX, TriangleAlert } from 'lucide-react'
import type { Diagnostic } from '@/lib/contract/configurations'

type DiagnosticsListProps = { diagnostics: readonly Diagnostic[]; onJump: (line: number, column: number) => void }

const SHOWN_MAX = 50

/** What is wrong, as text: the same that the editor draws, for the keyboard and for screen readers. */
export function DiagnosticsList({ diagnostics, onJump }: DiagnosticsListProps) {
  if (diagnostics.length === 0) {
    return (
      <p role="status" className="flex items-center gap-1.5 text-ok-text text-sm">
        <CircleCheck aria-hidden className="size-4" /> No findings
      </p>
    )
  }
  return (
    <div role="status" className="flex flex-col gap-1">
      <p className="text-sm">{diagnostics.length === 1 ? 'One finding' : `${diagnostics.length} findings`}</p>
      <ul className="flex max-h-40 flex-col divide-y overflow-y-auto rounded-md border bg-surface">
        {diagnostics.slice(0, SHOWN_MAX).map((diagnostic) => (
          <li key={`${diagnostic.code} ${diagnostic.path} ${diagnostic.line}:${diagnostic.column}`}>
            <button
              type="button"
              className="flex w-full items-start gap-2 px-3 py-1.5 text-left text-sm hover:bg-hover"
              onClick={() => onJump(diagnostic.line, diagnostic.column)}
            >
              {diagnostic.severity === 'error' ? (
                <CircleX aria-label="Error" className="mt-0.5 size-4 shrink-0 text-danger-text" />
              ) : (
                <TriangleAlert aria-label="Warning" className="mt-0.5 size-4 shrink-0 text-warn-text" />
              )}
              <span className="min-w-0 flex-1">
                {diagnostic.message}
                {diagnostic.suggestion && ` Did you mean ${diagnostic.suggestion}?`}
              </span>
              <span className="shrink-0 font-mono text-fg-muted text-xs">
                {diagnostic.code} {diagnostic.line}:{diagnostic.column}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
