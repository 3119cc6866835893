'use client'

import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { NuqsAdapter } from 'nuqs/adapters/next/app'
import { type ReactNode, useState } from 'react'
import { z } from 'zod'
import { LazyToaster } from '@/components/ui/lazy-toaster'
import { TooltipProvider } from '@/components/ui/tooltip'
import { AppError } from '@/lib/errors'
import { plainIssue } from '@/lib/plain-issues'

// Forms say of a field what the control plane would.
z.config({ customError: plainIssue })

/** What every page for people who are signed in stands on. */
export function Providers({ children }: { children: ReactNode }) {
  const [queryClient] = useState(createQueryClient)
  return (
    <QueryClientProvider client={queryClient}>
      <NuqsAdapter>
        <TooltipProvider delayDuration={300}>
          {children}
          <LazyToaster />
        </TooltipProvider>
      </NuqsAdapter>
    </QueryClientProvider>
  )
}

const createQueryClient = () =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // Only what may pass by itself is worth asking again; a refusal stays a refusal, and half a minute is long enough.
        retry: (failures, error) => failures < 2 && error instanceof AppError && [502, 503].includes(error.status),
        // Soon: whoever waits is told within two seconds, and can ask again.
        retryDelay: (failures) => 400 * 2 ** failures,
      },
    },
  })
