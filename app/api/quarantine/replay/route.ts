import { quarantine } from '@/lib/contract/quarantine'
import { bff } from '@/lib/server/bff'

export const POST = bff(quarantine.replay)
