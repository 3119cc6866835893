import type { Metadata } from 'next'
import { ThemeMenu } from '@/components/shell/theme-menu'
import { LazyToaster } from '@/components/ui/lazy-toaster'
import { Logo } from '@/components/ui/logo'
import { PageHeader } from '@/components/ui/page-header'
import { VerifyBundle } from '@/components/verify/verify-bundle'

export const metadata: Metadata = { title: 'Verify evidence' }

/** Open to everybody: whoever is handed evidence has no account here, and needs none. */
export default function VerifyPage() {
  return (
    <>
      <a
        href="#main"
        className="sr-only z-60 rounded-md bg-raised px-3 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <LazyToaster />
      <header className="sticky top-0 z-20 flex h-12 items-center gap-2 border-b bg-surface px-3 lg:px-5">
        <a href="/" className="flex items-center gap-2 rounded-md font-semibold tracking-tight">
          <Logo className="size-5" />
          Keeptrusts
        </a>
        <div className="ml-auto">
          <ThemeMenu />
        </div>
      </header>
      <main id="main" tabIndex={-1} className="mx-auto flex w-full max-w-3xl flex-col gap-6 p-3 outline-none lg:p-8">
        <PageHeader
          title="Verify evidence"
          description="Checks an evidence bundle in this browser. Nothing is uploaded, and no account is needed."
        />
        <VerifyBundle />
      </main>
    </>
  )
}
