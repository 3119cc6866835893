import { spendLeases } from '@/lib/contract/spend-leases'
import { Routes } from '../routes'
import { takeLeases } from './take'

export const spendLeaseRoutes = new Routes().on(spendLeases.take, takeLeases)
