import { usage } from '@/lib/contract/usage'
import { bff } from '@/lib/server/bff'

export const GET = bff(usage.invoices)
export const POST = bff(usage.importInvoice)
