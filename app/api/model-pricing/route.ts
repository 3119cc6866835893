import { modelPricing } from '@/lib/contract/model-pricing'
import { bff } from '@/lib/server/bff'

export const GET = bff(modelPricing.list)
