'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { z } from 'zod'
import type { Endpoint } from '@/lib/contract/endpoint'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { budgetQueries } from './budget-queries'

/** A command on budgets. Each press of a button has its own idempotency key. */
export function useBudgetCommand<E extends Endpoint>(endpoint: E) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (input: z.input<E['input']>) =>
      api(endpoint, input, endpoint.idempotent ? { idempotencyKey: newId('req') } : {}),
    onSettled: () => queryClient.invalidateQueries({ queryKey: budgetQueries.all }),
  })
}
