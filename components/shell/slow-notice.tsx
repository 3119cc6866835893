'use client'

import { useIsFetching } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Callout } from '@/components/ui/callout'

const PATIENCE_MS = 6_000

/** Says that something is late, on whatever page and without moving it: grey bars alone leave open whether anything happens. */
export function SlowNotice() {
  const isWaiting = useIsFetching({ predicate: ({ state }) => state.status === 'pending' }) > 0
  return (
    <div role="status" className="pointer-events-none fixed inset-x-3 bottom-3 z-30 flex justify-center print:hidden">
      {isWaiting && <Late />}
    </div>
  )
}

function Late() {
  const [isLate, setIsLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setIsLate(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [])
  return (
    isLate && (
      <Callout className="max-w-xl bg-raised shadow-overlay">
        The server takes longer than usual to answer. What comes late appears by itself.
      </Callout>
    )
  )
}
