import { sessions } from '@/lib/contract/sessions'
import { bff } from '@/lib/server/bff'

export const GET = bff(sessions.list)
