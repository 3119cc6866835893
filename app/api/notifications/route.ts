import { notifications } from '@/lib/contract/notifications'
import { bff } from '@/lib/server/bff'

export const GET = bff(notifications.list)
