'use client'

import { useTeamName } from './use-team-name'

/** What a team is called now. */
export function TeamName({ id }: { id: string }) {
  return useTeamName()(id)
}
