import { retention } from '@/lib/contract/retention'
import { Routes } from '../routes'
import { readRetention } from './queries'

export const retentionRoutes = new Routes().on(retention.get, readRetention)
