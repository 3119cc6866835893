import { wallets } from '@/lib/contract/wallets'
import { Routes } from '../routes'
import { allocate, creditWallet, debitWallet, reclaim, updateSpendSettings } from './commands'
import { getWallet, listWallets, spendSettingsOf, walletBalance, walletCheck } from './queries'
import { walletTransactions } from './statement'

export const walletRoutes = new Routes()
  .on(wallets.list, listWallets)
  .on(wallets.balance, walletBalance)
  .on(wallets.check, walletCheck)
  .on(wallets.get, getWallet)
  .on(wallets.transactions, walletTransactions)
  .on(wallets.credit, creditWallet)
  .on(wallets.debit, debitWallet)
  .on(wallets.allocate, allocate)
  .on(wallets.reclaim, reclaim)
  .on(wallets.settings, ({ tx, actor }) => spendSettingsOf(tx, actor.orgId))
  .on(wallets.updateSettings, updateSpendSettings)
