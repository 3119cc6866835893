import { notifications } from '@/lib/contract/notifications'
import { bff } from '@/lib/server/bff'

export const POST = bff(notifications.markRead)
