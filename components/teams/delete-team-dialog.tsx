'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { notice } from '@/components/ui/notice'
import { type Team, teams } from '@/lib/contract/teams'
import { api } from '../api'
import { teamQueries } from './team-queries'

/** Refused while it has members, live keys or money: the answer says which. */
export function DeleteTeamDialog({ team, onClose }: { team: Team; onClose: () => void }) {
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api(teams.delete, { id: team.id }),
    onSuccess: () => {
      notice.success(`${team.name} is deleted.`)
      onClose()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: teamQueries.all }),
  })
  return (
    <ConfirmDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Delete “${team.name}”?`}
      confirmLabel="Delete team"
      typedName={team.name}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      <p>
        Only a team without members, live keys and money can be deleted. What was recorded of it stays, under its id; a
        budget that counts its requests stays too, and counts nothing more.
      </p>
    </ConfirmDialog>
  )
}
