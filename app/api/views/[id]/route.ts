import { views } from '@/lib/contract/views'
import { bff } from '@/lib/server/bff'

export const DELETE = bff(views.delete)
