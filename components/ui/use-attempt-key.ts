'use client'

import { useState } from 'react'
import { newId } from '@/lib/ids'

/**
 * The idempotency key of what a form is about to send: the same for the same input, so that an attempt whose answer was lost is
 * not made a second time by pressing the button again.
 */
export function useAttemptKey(input: string): string {
  const [attempt, setAttempt] = useState(() => ({ input, key: newId('req') }))
  if (attempt.input === input) return attempt.key
  const next = { input, key: newId('req') }
  setAttempt(next)
  return next.key
}
