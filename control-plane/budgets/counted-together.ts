import { BUDGETS_PER_REQUEST_MAX } from '@/lib/contract/spend-leases'
import { AppError } from '@/lib/errors'
import type { Context } from '../context'
import { connectionOf } from '../database'

/**
 * A gateway takes slices of all budgets of a request at once, and lets no request through that has more of them than that
 * allows: one budget too many would stop everything that it counts.
 *
 * Counts the most that any request could have: of budgets that name the same parts of a scope it can be meant by those with
 * the same values only. Providers are left out, because it may be answered by any.
 */
export async function assertFewEnough({ tx, actor }: Context): Promise<void> {
  const { rows } = await connectionOf(tx).query<{ together: number }>({
    name: 'budgets_counted_together',
    text: `select coalesce(sum(most), 0)::int as together from (
        select max(alike) as most from (
          select team_id, user_id, agent_id, token_id, model, count(*) as alike from budgets
          where org_id = $1 and deleted_at is null and hard
          group by team_id, user_id, agent_id, token_id, model
        ) as same
        group by team_id is null, user_id is null, agent_id is null, token_id is null, model is null
      ) as named`,
    values: [actor.orgId],
  })
  const together = rows[0]?.together ?? 0
  if (together <= BUDGETS_PER_REQUEST_MAX) return
  const message = `one request could count for ${together} budgets that refuse, and ${BUDGETS_PER_REQUEST_MAX} are the most. Delete one that it counts for, or let one only watch`
  throw new AppError('unprocessable', `scope: ${message}.`, { errors: [{ path: 'scope', message }] })
}
