import { modelPricing } from '@/lib/contract/model-pricing'
import { bff } from '@/lib/server/bff'

export const POST = bff(modelPricing.preview)
