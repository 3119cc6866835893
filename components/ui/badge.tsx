import { cva, type VariantProps } from 'class-variance-authority'
import type { ComponentProps } from 'react'
import { cn } from './cn'

const badgeVariants = cva(
  'inline-flex h-5 shrink-0 items-center align-middle gap-1 whitespace-nowrap rounded-md px-1.5 font-medium text-xs [&_svg]:size-3 [&_svg]:shrink-0',
  {
    variants: {
      tone: {
        neutral: 'bg-idle-soft text-idle-text',
        ok: 'bg-ok-soft text-ok-text',
        attention: 'bg-attention-soft text-attention-text',
        bad: 'bg-bad-soft text-bad-text',
        info: 'bg-flag-soft text-flag-text',
        allow: 'bg-allow-soft text-allow-text',
        redact: 'bg-redact-soft text-redact-text',
        block: 'bg-block-soft text-block-text',
        escalate: 'bg-escalate-soft text-escalate-text',
        outline: 'border bg-surface text-fg-muted',
      },
    },
    defaultVariants: { tone: 'neutral' },
  },
)

export function Badge({ className, tone, ...props }: ComponentProps<'span'> & VariantProps<typeof badgeVariants>) {
  return <span className={cn(badgeVariants({ tone }), className)} {...props} />
}
