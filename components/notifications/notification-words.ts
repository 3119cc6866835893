import { shortenMiddle } from '@/components/ui/id-text'
import { moneyText } from '@/components/ui/money'
import { type Notification, type NotificationKind, UNREAD_MAX } from '@/lib/contract/notifications'

type Words = { title: string; detail: string; href: string }

const nameOf = ({ target }: Notification) => target.name ?? shortenMiddle(target.id)
const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

/** What happened, what of it is worth knowing, and where it is looked into. */
const WORDS: Record<NotificationKind, (one: Notification) => Words> = {
  'budget.threshold_reached': (one) => {
    const { percent, committed_usd, limit_usd, hard } = one.detail
    const refuses = hard === true && Number(percent) >= 100 ? ' Requests that it counts are refused.' : ''
    return {
      title: `${nameOf(one)} has reached ${Number(percent)} % of its limit`,
      detail: `${moneyText(textOf(committed_usd))} of ${moneyText(textOf(limit_usd))} are spent.${refuses}`,
      href: `/budgets?open=${encodeURIComponent(one.target.id)}`,
    }
  },
  'events.quarantined': (one) => {
    const count = Number(one.detail.count)
    return {
      title: `${count} ${count === 1 ? 'event' : 'events'} of gateway ${nameOf(one)} could not be recorded`,
      detail: 'Kept as sent, until somebody replays or discards them.',
      href: '/history?view=quarantine',
    }
  },
  'trail.integrity_failed': (one) => ({
    title: 'The trail is not what was recorded',
    detail: `${textOf(one.detail.message)} Nothing is signed until somebody has looked.`,
    href: '/trail',
  }),
}

export const wordsOf = (one: Notification): Words => WORDS[one.kind](one)

export const unreadText = (unread: number): string => (unread >= UNREAD_MAX ? `${UNREAD_MAX - 1}+` : String(unread))
