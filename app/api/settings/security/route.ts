import { settings } from '@/lib/contract/settings'
import { bff } from '@/lib/server/bff'

export const GET = bff(settings.getSecurity)
export const PATCH = bff(settings.updateSecurity)
