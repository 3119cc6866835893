import { whoami } from '@/lib/contract/whoami'
import { Routes } from '../routes'
import { getWhoami } from './queries'

export const whoamiRoutes = new Routes().on(whoami.get, getWhoami)
