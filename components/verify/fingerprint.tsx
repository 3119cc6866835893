import { cn } from '@/components/ui/cn'
import { CopyButton } from '@/components/ui/copy-button'

const GROUP = 8

/** All 64 digits in groups, as people compare them; the copy has no spaces. */
export function Fingerprint({ value, className }: { value: string; className?: string }) {
  const groups = Array.from({ length: Math.ceil(value.length / GROUP) }, (_, i) => ({
    at: i * GROUP,
    text: value.slice(i * GROUP, (i + 1) * GROUP),
  }))
  return (
    <span className={cn('inline-flex items-start gap-1', className)}>
      <code className="flex flex-wrap gap-x-1.5 font-mono text-xs">
        {groups.map(({ at, text }) => (
          <span key={at}>{text}</span>
        ))}
      </code>
      <CopyButton text={value} what="fingerprint" className="-my-1" />
    </span>
  )
}
