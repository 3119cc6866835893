import { exportSchedules } from '@/lib/contract/exports'
import { bff } from '@/lib/server/bff'

export const PATCH = bff(exportSchedules.update)
export const DELETE = bff(exportSchedules.delete)
