'use client'

import { useMutation, useQuery } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import Link from 'next/link'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Details } from '@/components/ui/details'
import { IdText } from '@/components/ui/id-text'
import { trail } from '@/lib/contract/trail'
import { AppError } from '@/lib/errors'
import { api } from '../api'
import { CheckList } from './check-list'
import { Fingerprint } from './fingerprint'
import type { ShownRecord } from './verify-record'

type VerifyNowProps = {
  /** What the page shows, as its canonical line is made from it. */
  record: () => Promise<ShownRecord>
  seq: number
  recordedAt: string
}

/** Where a record stands in the trail, and whether it is still what was signed: found out here, by the browser. */
export function VerifyNow({ record, seq, recordedAt }: VerifyNowProps) {
  const canRead = useCan('trail:read')
  const covering = useQuery({
    queryKey: ['trail', 'covering', seq],
    queryFn: ({ signal }) => coveringDigest(seq, recordedAt, signal),
    enabled: canRead,
  })
  const verify = useMutation({
    mutationFn: async () => {
      const [{ verifyRecord }, inclusion, key, shown] = await Promise.all([
        import('./verify-record'),
        api(trail.inclusion, { seq }),
        api(trail.publicKey, {}),
        record(),
      ])
      return {
        checks: verifyRecord(shown, { inclusion, key }),
        fingerprint: key.fingerprint,
        leaf: inclusion.leaf_hash,
      }
    },
  })
  const places: [string, React.ReactNode][] = [
    ['Place in the record', <Mono key="seq" text={String(seq)} />],
    ['Leaf index', <Mono key="leaf" text={String(seq - 1)} />],
  ]
  if (!canRead) return <Details items={places} />
  const isUncovered = covering.data === null || isConflict(verify.error)
  return (
    <div className="flex flex-col gap-3">
      <Details
        items={[
          ...places,
          [
            'Covered by',
            covering.data ? (
              <Link
                key="digest"
                className="text-accent hover:underline"
                href={`/trail?open=${covering.data.digest_id}`}
              >
                Digest {covering.data.number}
              </Link>
            ) : isUncovered ? (
              'No digest yet: the next one covers it'
            ) : (
              '…'
            ),
          ],
          ...(verify.data
            ? [['Leaf hash', <IdText key="hash" id={verify.data.leaf} what="leaf hash" />] as [string, React.ReactNode]]
            : []),
        ]}
      />
      <div>
        <Button size="sm" disabled={verify.isPending} onClick={() => verify.mutate()}>
          <ShieldCheck /> {verify.isPending ? 'Verifying…' : 'Verify now'}
        </Button>
      </div>
      <div role="status" className="flex flex-col gap-3 empty:hidden">
        {verify.error && (
          <Callout tone={isConflict(verify.error) ? 'info' : 'danger'}>
            {isConflict(verify.error)
              ? 'It is recorded, and not signed yet. A digest is signed at every full hour; verify again then.'
              : verify.error.message}
          </Callout>
        )}
        {verify.data && (
          <>
            <CheckList label="Checks" checks={verify.data.checks} />
            <p className="text-fg-muted text-xs">
              This browser has computed it from what stands on this page. The key comes from the server: compare its
              fingerprint with one that you were given another way.
            </p>
            <Fingerprint value={verify.data.fingerprint} />
          </>
        )}
      </div>
    </div>
  )
}

const isConflict = (error: unknown) => error instanceof AppError && error.code === 'conflict'

const AROUND_MS = 1_000

/** The digest whose places include this one; null when none does yet. */
async function coveringDigest(seq: number, recordedAt: string, signal: AbortSignal) {
  const at = (shift: number) => new Date(Date.parse(recordedAt) + shift).toISOString()
  const { items } = await api(trail.digests, { since: at(-AROUND_MS), until: at(AROUND_MS), limit: 20 }, { signal })
  return items.find(({ seq_start, seq_end }) => seq_start <= seq && seq <= seq_end) ?? null
}

const Mono = ({ text }: { text: string }) => <code className="font-mono text-xs">{text}</code>
