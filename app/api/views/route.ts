import { views } from '@/lib/contract/views'
import { bff } from '@/lib/server/bff'

export const GET = bff(views.list)
export const POST = bff(views.save)
