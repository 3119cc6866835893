'use client'

import { useEffect } from 'react'
import { signInPath } from './return-to'

/** Leads to the sign-in page and remembers the whole address: a server layout knows neither path nor fragment. */
export function LeaveForSignIn() {
  useEffect(() => {
    const { pathname, search, hash } = window.location
    window.location.replace(signInPath(pathname + search + hash))
  }, [])
  return (
    <main className="flex min-h-dvh items-center justify-center p-4">
      <h1 className="font-normal text-fg-muted text-sm">
        Sign in to continue:{' '}
        <a href="/sign-in" className="text-accent underline">
          sign in
        </a>
      </h1>
    </main>
  )
}
