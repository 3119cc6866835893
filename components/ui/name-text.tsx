import { cn } from './cn'

type NameTextProps = { name: string; className?: string }

/**
 * A name that somebody gave, in one line: cut at its end in whichever direction it is written, whole under the pointer.
 * It stays at the left, where the eye goes down a column.
 */
export const NameText = ({ name, className }: NameTextProps) => (
  <span dir="auto" title={name} className={cn('block truncate text-left', className)}>
    {name}
  </span>
)
