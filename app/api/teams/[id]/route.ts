import { teams } from '@/lib/contract/teams'
import { bff } from '@/lib/server/bff'

export const PATCH = bff(teams.rename)
export const DELETE = bff(teams.delete)
