import { teams } from '@/lib/contract/teams'
import { Routes } from '../routes'
import { createTeam, deleteTeam, renameTeam } from './commands'
import { listTeams } from './queries'

export const teamRoutes = new Routes()
  .on(teams.list, listTeams)
  .on(teams.create, createTeam)
  .on(teams.rename, renameTeam)
  .on(teams.delete, deleteTeam)
