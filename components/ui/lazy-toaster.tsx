'use client'

import dynamic from 'next/dynamic'

/** The place of notices: nothing is noticed before somebody did something, so the page does not wait for it. */
export const LazyToaster = dynamic(() => import('./toaster').then((it) => it.Toaster), { ssr: false })
