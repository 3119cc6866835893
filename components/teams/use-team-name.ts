'use client'

import { useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { teamQueries } from './team-queries'

/** What teams are called, by id; an id stands for itself where the viewer may not read teams, or it is gone. */
export function useTeamName(): (id: string) => string {
  const { data } = useQuery({ ...teamQueries.every(), enabled: useCan('members:read') })
  return useCallback((id: string) => data?.find((team) => team.id === id)?.name ?? id, [data])
}
