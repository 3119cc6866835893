import { activity } from '@/lib/contract/activity'
import { bff } from '@/lib/server/bff'

export const GET = bff(activity.list)
