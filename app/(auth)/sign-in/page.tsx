import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { safeReturnTo } from '@/components/shell/return-to'
import { SignInForm } from '@/components/shell/sign-in-form'
import { Logo } from '@/components/ui/logo'
import { config } from '@/lib/server/config'
import { readViewer } from '@/lib/server/viewer'

export const metadata: Metadata = { title: 'Sign in' }

type SearchParams = Promise<Record<string, string | string[] | undefined>>

export default async function SignInPage({ searchParams }: { searchParams: SearchParams }) {
  const query = await searchParams
  const returnTo = safeReturnTo(one(query.returnTo))
  const viewer = await readViewer()
  if (viewer.state === 'signed_in') redirect(returnTo)
  return (
    <main className="flex min-h-dvh items-center justify-center p-4">
      <div className="flex w-full max-w-sm flex-col gap-6 rounded-md border bg-surface p-6">
        <div className="flex flex-col gap-3">
          <Logo className="size-8" />
          <div>
            <h1 className="font-semibold text-lg tracking-tight">Sign in to Keeptrusts</h1>
            <p className="text-fg-muted text-sm">Review, roll out and revoke.</p>
          </div>
        </div>
        <SignInForm returnTo={returnTo} error={one(query.error)} oidcName={config().oidc?.name} />
      </div>
    </main>
  )
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)
