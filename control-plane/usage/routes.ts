import { usage } from '@/lib/contract/usage'
import { Routes } from '../routes'
import { usageCsv } from './csv'
import { readUsage } from './read'

export const usageRoutes = new Routes().on(usage.read, readUsage).onFile(usage.csv, usageCsv)
