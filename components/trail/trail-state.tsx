import type { z } from 'zod'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { Stat } from '@/components/ui/stat'
import { Fingerprint } from '@/components/verify/fingerprint'
import type { trail } from '@/lib/contract/trail'
import { countWords, recordWords, spanWords } from './trail-words'

type Status = z.output<typeof trail.status.output>

/** How the trail is, in numbers, and the one thing to compare over another way. */
export function TrailState({ status }: { status: Status | undefined }) {
  if (!status) return <Skeleton className="h-36" />
  const { last_digest: last, key } = status
  return (
    <section aria-label="State of the trail" className="flex flex-col gap-2">
      <div className="grid grid-cols-2 gap-2 lg:grid-cols-4">
        <Stat
          label="Last digest"
          value={last ? <RelativeTime at={last.created_at} focusable={false} /> : 'None yet'}
          note={
            last ? `Number ${last.number}, over ${recordWords(last.tree_size)}` : 'The first comes at the full hour'
          }
          {...(last ? { href: `/trail?open=${last.digest_id}` } : {})}
        />
        <Stat
          label="Records"
          value={countWords(status.tree_size)}
          note={
            status.integrated_size === status.tree_size
              ? 'All hashed into the tree'
              : `${countWords(status.tree_size - status.integrated_size)} not hashed into the tree yet`
          }
        />
        <Stat
          label="Not covered by a digest yet"
          value={countWords(status.undigested)}
          note={status.undigested === 0 ? 'Everything is signed' : `The oldest for ${spanWords(status.lag_seconds)}`}
        />
        <Stat label="Next digest" value={<NextDigest status={status} />} note={nextNote(status)} />
      </div>
      <div className="flex flex-col gap-1 rounded-md border bg-surface px-4 py-3">
        <h2 className="text-fg-muted text-xs">Fingerprint of the signing key</h2>
        {key ? (
          <>
            <Fingerprint value={key.fingerprint} />
            <p className="text-fg-muted text-xs">
              Compare it with one that you were given another way, and keep it: whoever holds it can verify without
              trusting this server.
            </p>
          </>
        ) : (
          <p className="text-sm">The key is made with the first digest.</p>
        )}
      </div>
    </section>
  )
}

function NextDigest({ status }: { status: Status }) {
  if (status.alarm) return 'On hold'
  if (!status.can_sign && status.key) return 'Cannot sign'
  return <RelativeTime at={status.next_digest_due_at} none="On hold" />
}

function nextNote({ alarm, can_sign, key }: Status): string {
  if (alarm) return 'Nothing is signed while the alarm stands'
  return can_sign || !key ? 'Signed at each full hour' : 'The private key is not on this installation'
}
