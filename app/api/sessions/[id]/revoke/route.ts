import { sessions } from '@/lib/contract/sessions'
import { bff } from '@/lib/server/bff'

export const POST = bff(sessions.revoke)
