import { ledger } from '@/lib/contract/ledger'
import { Routes } from '../routes'
import { getTransaction, ledgerEntries, ledgerOfEvent, listAccounts } from './read'

export const ledgerRoutes = new Routes()
  .on(ledger.accounts, listAccounts)
  .onFile(ledger.entries, ledgerEntries)
  .on(ledger.transaction, getTransaction)
  .on(ledger.ofEvent, ledgerOfEvent)
