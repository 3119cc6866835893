import { activity } from '@/lib/contract/activity'
import { Routes } from '../routes'
import { listActivity } from './queries'

export const activityRoutes = new Routes().on(activity.list, listActivity)
