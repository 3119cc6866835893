'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { z } from 'zod'
import type { Endpoint } from '@/lib/contract/endpoint'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { tokenQueries } from './token-queries'

/**
 * A command on keys. Each press of a button has its own idempotency key. Nothing of the answer stays in memory once the
 * component is gone: it may hold a secret.
 */
export function useTokenCommand<E extends Endpoint>(endpoint: E) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (input: z.input<E['input']>) =>
      api(endpoint, input, endpoint.idempotent ? { idempotencyKey: newId('req') } : {}),
    gcTime: 0,
    onSuccess: () => void queryClient.invalidateQueries({ queryKey: tokenQueries.all }),
  })
}
