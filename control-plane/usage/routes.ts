import { usage } from '@/lib/contract/usage'
import { Routes } from '../routes'
import { usageCsv } from './csv'
import { importInvoice } from './invoices/commands'
import { getInvoice, listInvoices } from './invoices/queries'
import { closeMonth } from './months/commands'
import { getMonth, listMonths } from './months/read'
import { readUsage } from './read'

export const usageRoutes = new Routes()
  .on(usage.read, readUsage)
  .onFile(usage.csv, usageCsv)
  .on(usage.months, listMonths)
  .on(usage.month, getMonth)
  .on(usage.closeMonth, closeMonth)
  .on(usage.importInvoice, importInvoice)
  .on(usage.invoices, listInvoices)
  .on(usage.invoice, getInvoice)
