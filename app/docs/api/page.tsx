import type { Metadata } from 'next'
import { EndpointSection } from '@/components/reference/endpoint-section'
import { ErrorList } from '@/components/reference/error-list'
import { ReferenceConventions } from '@/components/reference/reference-conventions'
import { ReferenceNav } from '@/components/reference/reference-nav'
import { ThemeMenu } from '@/components/shell/theme-menu'
import { Button } from '@/components/ui/button'
import { LazyToaster } from '@/components/ui/lazy-toaster'
import { Logo } from '@/components/ui/logo'
import { PageHeader } from '@/components/ui/page-header'
import { CONTRACT } from '@/lib/contract/all'

export const metadata: Metadata = { title: 'API reference' }

/** Open to everybody: problem documents link here, also those of callers who could not sign in. */
export default function ApiReferencePage() {
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
      <div className="flex">
        <aside className="sticky top-12 hidden h-[calc(100dvh-3rem)] w-60 shrink-0 overflow-y-auto border-r bg-surface px-2 py-4 lg:block">
          <ReferenceNav />
        </aside>
        <main id="main" tabIndex={-1} className="flex min-w-0 flex-1 flex-col gap-6 p-3 outline-none lg:p-5">
          <PageHeader
            title="API reference"
            description="Keys, decisions, gateways and configurations over HTTP: the contract that the control plane checks every request against."
            actions={
              <Button asChild size="sm">
                <a href="/v1/openapi.json">OpenAPI 3.1</a>
              </Button>
            }
          />
          <details className="rounded-md border bg-surface p-3 lg:hidden">
            <summary className="rounded-md text-sm">Contents</summary>
            <div className="pt-3">
              <ReferenceNav />
            </div>
          </details>
          <ReferenceConventions />
          {Object.entries(CONTRACT).map(([resource, endpoints]) => (
            <section key={resource} aria-labelledby={resource} className="flex min-w-0 flex-col gap-3">
              <h2 id={resource} className="scroll-mt-16 font-semibold text-lg">
                {resource}
              </h2>
              {Object.values(endpoints).map((endpoint) => (
                <EndpointSection key={endpoint.name} endpoint={endpoint} />
              ))}
            </section>
          ))}
          <section aria-labelledby="errors" className="flex flex-col gap-3">
            <h2 id="errors" className="scroll-mt-16 font-semibold text-lg">
              Errors
            </h2>
            <p className="max-w-3xl text-sm">
              Failures are RFC 9457 problem documents. Their <code className="font-mono text-xs">code</code> is stable
              and their <code className="font-mono text-xs">type</code> leads here.
            </p>
            <ErrorList />
          </section>
        </main>
      </div>
    </>
  )
}
