import { exportSchedules } from '@/lib/contract/exports'
import { bff } from '@/lib/server/bff'

export const GET = bff(exportSchedules.list)
export const POST = bff(exportSchedules.create)
