'use client'

import { useQuery } from '@tanstack/react-query'
import { Circle, CircleCheck } from 'lucide-react'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { exampleCall } from '@/components/gateways/example-call'
import { useGatewayUrl } from '@/components/shell/gateway-url-context'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { CodeBlock } from '@/components/ui/code-block'
import { Skeleton } from '@/components/ui/skeleton'
import { overviewQueries } from './overview-queries'

/** The way from nothing to a governed call. Each step looks at the real thing, and ticks itself; when all have, it is gone. */
export function StartChecklist() {
  const canRead = [useCan('gateways:read'), useCan('tokens:read'), useCan('events:read')]
  const canWriteTokens = useCan('tokens:write')
  const gatewayUrl = useGatewayUrl()
  const [canGateways = false, canTokens = false, canEvents = false] = canRead
  const gateways = useQuery({ ...overviewQueries.gateways(), enabled: canGateways })
  const keys = useQuery({ ...overviewQueries.gatewayKeys(), enabled: canTokens })
  const event = useQuery({ ...overviewQueries.firstEvent(), enabled: canEvents })

  const isConnected = gateways.data?.items.some(({ last_seen_at }) => last_seen_at !== null)
  const isRunning = gateways.data?.items.some(({ running_version }) => running_version !== null)
  const isKeyed = keys.data && keys.data.items.length > 0
  const isCalled = event.data && event.data.items.length > 0
  const done = [isConnected, isRunning, isKeyed, isCalled].filter(Boolean).length

  const steps = [canGateways, canGateways, canTokens, canEvents].filter(Boolean).length
  // Nobody is shown the way that they have gone, nor while it is not known how far they are: what failed says so above.
  if (done === steps || [gateways, keys, event].some(({ isLoading, isError }) => isLoading || isError)) return null
  return (
    <section aria-labelledby="start-title" className="rounded-md border bg-surface">
      <div className="flex items-baseline justify-between gap-2 border-b px-4 py-3">
        <h2 id="start-title" className="font-medium">
          From nothing to a governed request
        </h2>
        <p role="status" className="text-fg-muted text-xs">
          {done} of {steps} done
        </p>
      </div>
      <ol className="divide-y">
        <Step title="Connect a gateway" isDone={isConnected} isHidden={!canGateways}>
          <p>
            npm start runs one at <code className="font-mono text-xs">{gatewayUrl}</code>. Others:{' '}
            <code className="font-mono text-xs">kt run --managed</code> with a key whose purpose is gateway process. See{' '}
            <Inline href="/gateways">Gateways</Inline>.
          </p>
        </Step>
        <Step title="Give it a configuration" isDone={isRunning} isHidden={!canGateways}>
          <p>
            Write one, save a version and roll it out under <Inline href="/configurations">Configurations</Inline>.
          </p>
        </Step>
        <Step title="Create a gateway key" isDone={isKeyed} isHidden={!canTokens}>
          <p>One per application, limited to the models it needs.</p>
          {canWriteTokens && (
            <Button asChild size="sm" className="self-start">
              <Link href="/settings/gateway-keys?create=true">Create gateway key</Link>
            </Button>
          )}
        </Step>
        <Step title="Send a request" isDone={isCalled} isHidden={!canEvents}>
          <p>
            It appears in <Inline href="/history">History</Inline> within a second. Any OpenAI SDK works with this base
            URL and key. Put the secret of your gateway key into KEEPTRUSTS_GATEWAY_KEY:
          </p>
          <CodeBlock code={exampleCall(gatewayUrl)} what="first call" />
        </Step>
      </ol>
    </section>
  )
}

type StepProps = { title: string; isDone: boolean | undefined; isHidden: boolean; children: ReactNode }

function Step({ title, isDone, isHidden, children }: StepProps) {
  if (isHidden) return null
  const Icon = isDone ? CircleCheck : Circle
  return (
    <li className="flex gap-3 px-4 py-3">
      {isDone === undefined ? (
        <Skeleton className="mt-0.5 size-4 shrink-0 rounded-full" />
      ) : (
        <Icon
          aria-label={isDone ? 'Done' : 'To do'}
          className={isDone ? 'mt-0.5 size-4 shrink-0 text-ok' : 'mt-0.5 size-4 shrink-0 text-fg-muted'}
        />
      )}
      <div className="flex min-w-0 flex-1 flex-col gap-2">
        <h3 className="font-medium text-sm">{title}</h3>
        {!isDone && <div className="flex flex-col gap-2 text-fg-muted text-sm">{children}</div>}
      </div>
    </li>
  )
}

const Inline = ({ href, children }: { href: string; children: ReactNode }) => (
  <Link href={href} className="text-accent underline underline-offset-2">
    {children}
  </Link>
)
