import { cn } from './cn'
import { CopyButton } from './copy-button'

type IdTextProps = { id: string; what?: string; className?: string; copy?: boolean }

/** An id in mono, shortened in the middle; the copy is whole. */
export function IdText({ id, what = 'id', className, copy = true }: IdTextProps) {
  return (
    <span className={cn('inline-flex items-center gap-0.5 font-mono text-xs', className)}>
      <span title={id}>{shortenMiddle(id)}</span>
      {copy && <CopyButton text={id} what={what} />}
    </span>
  )
}

/** `evt_019a6f0e1c2d7000a1b2c3d4e5f60718` -> `evt_019a6f…0718`. Ids of up to 20 characters stay whole. */
export const shortenMiddle = (id: string) => (id.length <= 20 ? id : `${id.slice(0, 10)}…${id.slice(-4)}`)
