import { teams } from '@/lib/contract/teams'
import { bff } from '@/lib/server/bff'

export const GET = bff(teams.list)
export const POST = bff(teams.create)
