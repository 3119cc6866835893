import { timeZone as timeZoneShape } from '@/lib/contract/spend-shapes'
import { nextResets, type WindowRule } from '@/lib/spend/windows'

/** When a budget like this would begin anew, reckoned as the control plane does, while it is being written. */
export function NextResets({ window, timeZone, anchor }: WindowRule) {
  const isReadable =
    timeZoneShape.safeParse(timeZone).success && (anchor === null || /^\d{4}-\d{2}-\d{2}$/.test(anchor))
  const resets = isReadable ? nextResets({ window, timeZone, anchor }, Date.now()) : []
  if (resets.length === 0) return null
  const exactly = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone })
  return (
    <p role="status" className="text-fg-muted text-xs">
      Begins anew {resets.map((ms) => exactly.format(ms)).join('; ')} ({timeZone}).
    </p>
  )
}
