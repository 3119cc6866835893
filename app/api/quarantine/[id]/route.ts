import { quarantine } from '@/lib/contract/quarantine'
import { bff } from '@/lib/server/bff'

export const GET = bff(quarantine.get)
