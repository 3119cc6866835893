import { NameText } from './name-text'
import { RelativeTime } from './relative-time'

/** When something was done and, below it, by whom: for tables whose rows are tall. */
export const WhenBy = ({ at, by }: { at: string; by: string }) => (
  <>
    <RelativeTime at={at} focusable={false} />
    <NameText name={`by ${by}`} className="text-fg-muted text-xs" />
  </>
)
