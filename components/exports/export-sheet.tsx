'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ban, Download, FileJson2, RotateCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CodeBlock } from '@/components/ui/code-block'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { CopyAsMenu } from '@/components/ui/copy-as-menu'
import { Details } from '@/components/ui/details'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import type { Export, ExportManifest } from '@/lib/contract/export-shapes'
import { exports } from '@/lib/contract/exports'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { exportQueries } from './export-queries'
import { ExportProgress, ExportStateBadge } from './export-state'
import { bytesWords, countWords, dollarsWords, FORMAT_WORDS, isUnderWay, rangeWords, TYPE_WORDS } from './export-words'

/** Links of these go through the browser, which shows its own progress and may go on with a download that broke off. */
const downloadPath = (id: string, part?: string) =>
  `/api/exports/${encodeURIComponent(id)}/download${part ? `?part=${part}` : ''}`

const PARTS_SHOWN_MAX = 100

export function ExportSheet({ id, onClose }: { id: string | null; onClose: () => void }) {
  const { data, error, refetch } = useQuery({ ...exportQueries.get(id ?? ''), enabled: id !== null })
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={data ? `${TYPE_WORDS[data.type]} as ${FORMAT_WORDS[data.format]}` : 'Export'}
      subtitle={
        data && (
          <>
            <ExportStateBadge of={data} />
            <IdText id={data.id} what="export id" />
          </>
        )
      }
    >
      {data ? (
        <ExportDetail made={data} onGone={onClose} />
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-48" />
      )}
    </Sheet>
  )
}

function ExportDetail({ made, onGone }: { made: Export; onGone: () => void }) {
  return (
    <div className="flex flex-col gap-6">
      {made.error && (
        <Callout tone="danger">
          <p className="font-medium">{made.error}</p>
          <p className="mt-0.5 text-xs">Nothing that is recorded was affected. Export again once the cause is gone.</p>
        </Callout>
      )}
      {isUnderWay(made) && <ExportProgress of={made} />}
      <Actions made={made} onGone={onGone} />
      <Details
        items={[
          ['Range', rangeWords(made)],
          [
            'Filter',
            made.filter ? (
              <code key="filter" className="font-mono text-xs">
                {made.filter}
              </code>
            ) : (
              'None'
            ),
          ],
          ['Fields', made.fields?.join(', ') ?? 'All'],
          ['Purpose', made.purpose || '–'],
          ['Rows', countWords(made.rows_done)],
          ['Size', bytesWords(made.bytes)],
          [
            'Cost of the rows',
            <span key="cost">
              {dollarsWords(made.cost_usd)}
              {made.unpriced ? (
                <span className="ml-1.5 text-attention-text text-xs">
                  {countWords(made.unpriced)} rows without a known price are not in it
                </span>
              ) : null}
            </span>,
          ],
          ['SHA-256', made.sha256 ? <IdText key="sha256" id={made.sha256} what="SHA-256" /> : '–'],
          ['Record up to', `Place ${countWords(made.through_seq)}; what came later is not in it`],
          ['Made by', made.created_by.name],
          ['Created', <RelativeTime key="created" at={made.created_at} />],
          ['Kept until', <RelativeTime key="expires" at={made.expires_at} />],
        ]}
      />
      {made.manifest && <Covering manifest={made.manifest} />}
      {made.manifest && <Parts made={made} manifest={made.manifest} />}
      <CodeBlock what="command" code={`kt export-jobs download ${made.id}`} />
    </div>
  )
}

function Actions({ made, onGone }: { made: Export; onGone: () => void }) {
  const queryClient = useQueryClient()
  const [isDeleting, setIsDeleting] = useState(false)
  const settled = { onSettled: () => queryClient.invalidateQueries({ queryKey: exportQueries.all }) }
  const cancel = useMutation({
    mutationFn: () => api(exports.cancel, { id: made.id }),
    onError: (error) => notice.error(error.message),
    ...settled,
  })
  const again = useMutation({
    mutationFn: () => {
      const { type, format, filter, purpose, since, until } = made
      const input = { type, format, filter, purpose, fields: made.fields ?? undefined, time_window: { since, until } }
      return api(exports.create, input, { idempotencyKey: newId('req') })
    },
    onSuccess: () => notice.success('A new export of the same is being made.'),
    onError: (error) => notice.error(error.message),
    ...settled,
  })
  const remove = useMutation({
    mutationFn: () => api(exports.delete, { id: made.id }),
    onSuccess: () => {
      setIsDeleting(false)
      onGone()
    },
    ...settled,
  })
  return (
    <div className="flex flex-wrap gap-2">
      {made.state === 'completed' && (
        <>
          <Button asChild size="sm" variant="primary">
            <a href={downloadPath(made.id)} download>
              <Download /> Download
            </a>
          </Button>
          <Button asChild size="sm">
            <a href={downloadPath(made.id, 'manifest.json')} download>
              <FileJson2 /> Manifest
            </a>
          </Button>
        </>
      )}
      {isUnderWay(made) ? (
        <Button size="sm" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
          <Ban /> Cancel
        </Button>
      ) : (
        <Button size="sm" disabled={again.isPending} onClick={() => again.mutate()}>
          <RotateCw /> Export again
        </Button>
      )}
      <CopyAsMenu items={copyAs(made)} />
      <Button size="sm" variant="ghost" onClick={() => setIsDeleting(true)}>
        <Trash2 /> Delete
      </Button>
      <ConfirmDialog
        open={isDeleting}
        onOpenChange={setIsDeleting}
        title="Delete this export?"
        confirmLabel="Delete export"
        isPending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        <p>
          Its file of {countWords(made.rows_done)} rows ({bytesWords(made.bytes)}) is deleted. The records that it was
          made from stay.
        </p>
      </ConfirmDialog>
    </div>
  )
}

function Covering({ manifest: { trail } }: { manifest: ExportManifest }) {
  const [first, last] = [trail.digests[0], trail.digests.at(-1)]
  return (
    <section className="flex flex-col gap-2">
      <h3 className="font-medium text-sm">Proof</h3>
      <p className="text-sm">
        {first && last
          ? `${digestWords(trail.digests.length + trail.digests_left_out)} places ${countWords(first.seq_start)} to ${countWords(last.seq_end)} of the record.`
          : 'No signed digest covers its rows yet.'}
      </p>
      {trail.uncovered && (
        <Callout tone="warn">
          Rows from place {countWords(trail.uncovered.seq_first)} on are newer than the last digest. The next one covers
          them.
        </Callout>
      )}
    </section>
  )
}

const digestWords = (count: number) =>
  count === 1 ? 'One signed digest covers' : `${countWords(count)} signed digests cover`

function Parts({ made, manifest: { parts } }: { made: Export; manifest: ExportManifest }) {
  return (
    <section className="flex flex-col gap-2">
      <h3 className="font-medium text-sm">{parts.length === 1 ? 'One part' : `${countWords(parts.length)} parts`}</h3>
      <ul className="flex flex-col divide-y rounded-md border">
        {parts.slice(0, PARTS_SHOWN_MAX).map((part) => (
          <li key={part.number} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-xs">
            <span className="w-8 tabular-nums">{part.number}</span>
            <span className="tabular-nums">{countWords(part.rows)} rows</span>
            <span className="tabular-nums">{bytesWords(part.bytes)}</span>
            <span className="mr-auto">
              <IdText id={part.sha256} what="SHA-256" />
            </span>
            {made.state === 'completed' && (
              <a className="text-accent hover:underline" href={downloadPath(made.id, String(part.number))} download>
                Download
              </a>
            )}
          </li>
        ))}
      </ul>
      {parts.length > PARTS_SHOWN_MAX && <p className="text-fg-muted text-xs">The manifest lists all of them.</p>}
    </section>
  )
}

function copyAs({ type, format, since, until, filter }: Export): Record<string, string> {
  const body = JSON.stringify({ type, format, filter, time_window: { since, until } })
  const named = filter === '' ? '' : ` --filter '${filter.replaceAll("'", String.raw`'\''`)}'`
  return {
    kt: `kt export-jobs create --type ${type} --format ${format} --since ${since} --until ${until}${named} --wait`,
    curl: `curl -fsS -X POST -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" -H "Content-Type: application/json" "$KEEPTRUSTS_API_URL/v1/exports" -d '${body.replaceAll("'", String.raw`'\''`)}'`,
  }
}
