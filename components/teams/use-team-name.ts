'use client'

import { useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { shortenMiddle } from '../ui/id-text'
import { teamQueries } from './team-queries'

/** What teams are called, by id; an id stands for itself where the viewer may not read teams, and says when its team is gone. */
export function useTeamName(): (id: string) => string {
  const { data } = useQuery({ ...teamQueries.every(), enabled: useCan('members:read') })
  return useCallback(
    (id: string) => {
      const known = data?.find((team) => team.id === id)
      return known?.name ?? (data ? `${shortenMiddle(id)}, deleted` : id)
    },
    [data],
  )
}
