import type { ReactNode } from 'react'
import { useTeamName } from '@/components/teams/use-team-name'
import { Details } from '@/components/ui/details'
import { moneyText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'
import type { Budget } from '@/lib/contract/budgets'
import { FIRST_DAY_WORDS, ON_UNAVAILABLE_WORDS, ROLLOVER_WORDS, scopeText, WINDOW_WORDS } from './budget-words'

/** How a budget is set, without what does not apply to one like it. */
export function BudgetFacts({ budget }: { budget: Budget }) {
  const teamName = useTeamName()
  return (
    <Details
      items={[
        ['Counts', scopeText(budget.scope, teamName)],
        ...windowFacts(budget),
        ['Time zone', budget.time_zone],
        ['Beyond the limit', budget.hard ? 'Requests are refused' : 'It is watched only'],
        ...unavailableFacts(budget),
        [
          'Made',
          <span key="made">
            <RelativeTime at={budget.created_at} /> by {budget.created_by.name}
          </span>,
        ],
        [
          'Version',
          <span key="version">
            {budget.version}, changed <RelativeTime at={budget.updated_at} />
          </span>,
        ],
      ]}
    />
  )
}

type Fact = [term: string, value: ReactNode]

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })

/** A lifetime has no next window, and one of a day begins on every day. */
export function windowFacts({ window, limit_usd, anchor, rollover, rollover_cap_usd }: Budget): Fact[] {
  const day = anchor === null ? null : DAY.format(Date.parse(anchor))
  if (window === 'lifetime') {
    return [
      ['Limit', moneyText(limit_usd)],
      ['Begins anew', 'Never'],
      ['Counts from', day ?? 'The first record'],
    ]
  }
  const begins: Fact[] = window === 'day' ? [] : [['A window begins on', day ?? FIRST_DAY_WORDS[window]]]
  const isCapped = rollover === 'cap' && rollover_cap_usd !== null
  return [
    ['Limit', `${moneyText(limit_usd)} of each window`],
    ['Begins anew every', WINDOW_WORDS[window]],
    ...begins,
    [
      'What is left',
      isCapped ? `Is added to the next window, up to ${moneyText(rollover_cap_usd)}` : ROLLOVER_WORDS[rollover],
    ],
  ]
}

/** Gateways ask for nothing of a budget that refuses nothing. */
const unavailableFacts = ({ hard, on_unavailable }: Budget): Fact[] =>
  hard ? [['Without the control plane', `A gateway ${ON_UNAVAILABLE_WORDS[on_unavailable].toLowerCase()}`]] : []
