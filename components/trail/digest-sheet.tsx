'use client'

import { useQuery } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from '@/components/ui/button'
import { CodeBlock } from '@/components/ui/code-block'
import { CopyAsMenu } from '@/components/ui/copy-as-menu'
import { Details } from '@/components/ui/details'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { pythonCall } from '@/components/ui/python-call'
import { ExactTime, RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import type { TrailDigest } from '@/lib/contract/trail-shapes'
import { saveText } from './save-text'
import { trailQueries } from './trail-queries'
import { countWords } from './trail-words'

export function DigestSheet({ id, onClose }: { id: string | null; onClose: () => void }) {
  const { data, error, refetch } = useQuery({ ...trailQueries.digest(id ?? ''), enabled: id !== null })
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={data ? `Digest ${data.number}` : 'Digest'}
      subtitle={
        <>
          {id && <IdText id={id} what="digest id" />}
          {data && <RelativeTime at={data.created_at} />}
        </>
      }
      actions={
        data && (
          <CopyAsMenu
            items={{
              kt: `kt trail digest ${data.digest_id}`,
              curl: `curl -fsS -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" "$KEEPTRUSTS_API_URL/v1/trail/digests/${data.digest_id}"`,
              Python: pythonCall('download_digest', [JSON.stringify(data.digest_id)]),
            }}
          />
        )
      }
      className="max-w-2xl"
    >
      {data ? (
        <DigestDetail digest={data} />
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-64" />
      )}
    </Sheet>
  )
}

function DigestDetail({ digest }: { digest: TrailDigest }) {
  return (
    <div className="flex flex-col gap-6">
      <div className="flex flex-wrap gap-2">
        <Button size="sm" onClick={() => saveText(`${digest.digest_id}.json`, digest.body, 'application/json')}>
          <Download /> Signed text
        </Button>
        <Button size="sm" onClick={() => saveText(`${digest.digest_id}.sig`, digest.signature)}>
          <Download /> Signature
        </Button>
        <Button size="sm" onClick={() => saveText(`${digest.digest_id}.checkpoint`, digest.checkpoint)}>
          <Download /> Checkpoint
        </Button>
      </div>
      <Details
        items={[
          ['From', <ExactTime key="from" at={digest.period_start} />],
          ['To', <ExactTime key="to" at={digest.period_end} />],
          [
            'Records',
            digest.event_count === 0
              ? 'None in this period'
              : `${countWords(digest.event_count)}: places ${countWords(digest.seq_start)} to ${countWords(digest.seq_end)}`,
          ],
          ['Tree size', countWords(digest.tree_size)],
          ['Root', <Hash key="root" value={digest.root_hash} />],
          ['Key', <Hash key="kid" value={digest.kid} />],
          [
            'Digest before',
            digest.prev_digest_id ? (
              <IdText key="prev" id={digest.prev_digest_id} what="digest id" />
            ) : (
              'This is the first'
            ),
          ],
          ['SHA-256', <Hash key="sha" value={digest.sha256} />],
          [
            'Stored as',
            <span key="stored" className="break-all font-mono text-xs">
              {digest.storage_key}
            </span>,
          ],
        ]}
      />
      <Section title="The exact text that is signed">
        <CodeBlock code={digest.body} what="signed text" className="break-all" />
      </Section>
      <Section title="Signature (Ed25519, base64)">
        <CodeBlock code={digest.signature} what="signature" className="break-all" />
      </Section>
      <Section title="The same root as a checkpoint">
        <p className="text-fg-muted text-xs">
          A signed note (C2SP). Kept somewhere else, it shows later whether records were cut off or replaced.
        </p>
        <CodeBlock code={digest.checkpoint} what="checkpoint" className="break-all" />
      </Section>
    </div>
  )
}

const Hash = ({ value }: { value: string }) => <span className="break-all font-mono text-xs">{value}</span>

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section aria-label={title} className="flex flex-col gap-2">
    <h3 className="font-medium text-sm">{title}</h3>
    {children}
  </section>
)
