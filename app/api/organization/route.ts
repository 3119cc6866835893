import { organization } from '@/lib/contract/organization'
import { bff } from '@/lib/server/bff'

export const GET = bff(organization.get)
export const PATCH = bff(organization.update)
