'use client'

import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { walletQueries } from './wallet-queries'

/** Has everything about wallets looked at again. */
export function useWalletsChanged(): () => void {
  const queryClient = useQueryClient()
  return useCallback(() => void queryClient.invalidateQueries({ queryKey: walletQueries.all }), [queryClient])
}
