import { cn } from './cn'
import { CopyButton } from './copy-button'

type CodeBlockProps = { code: string; what: string; className?: string }

export function CodeBlock({ code, what, className }: CodeBlockProps) {
  return (
    <div className={cn('relative rounded-md border bg-sunken', className)}>
      <pre className="whitespace-pre-wrap break-words p-3 pr-10 font-mono text-xs">
        <code>{code}</code>
      </pre>
      <CopyButton text={code} what={what} className="absolute top-1.5 right-1.5 bg-sunken" />
    </div>
  )
}
