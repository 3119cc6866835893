import { notifications } from '@/lib/contract/notifications'
import { Routes } from '../routes'
import { markRead } from './commands'
import { listNotifications } from './queries'

export const notificationRoutes = new Routes()
  .on(notifications.list, listNotifications)
  .on(notifications.markRead, markRead)
