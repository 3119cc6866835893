import { CircleCheck, CircleDashed, type LucideIcon, OctagonX, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from '@/components/ui/button'
import { cn } from '@/components/ui/cn'
import { Details } from '@/components/ui/details'
import { ScrollRegion } from '@/components/ui/scroll-region'
import type { ChainIntegrity, Verification, VerificationResult } from '@/lib/contract/trail-shapes'
import { countWords, INTEGRITY_WORDS, rangeWords } from './trail-words'

const LOOK: Record<ChainIntegrity, { icon: LucideIcon; classes: string }> = {
  valid: { icon: CircleCheck, classes: 'bg-ok-soft text-ok-text' },
  invalid: { icon: OctagonX, classes: 'bg-bad-soft text-bad-text' },
  incomplete: { icon: TriangleAlert, classes: 'bg-attention-soft text-attention-text' },
  no_data: { icon: CircleDashed, classes: 'bg-sunken text-fg' },
}

const FINDINGS_SHOWN_MAX = 200

type OutcomeProps = { of: Verification; result: VerificationResult; onOpenDigest: (id: string) => void }

/** What was found, in words first; what nobody can know from here, last. */
export function VerificationOutcome({ of, result, onOpenDigest }: OutcomeProps) {
  const { icon: Icon, classes } = LOOK[result.chain_integrity]
  const words = INTEGRITY_WORDS[result.chain_integrity]
  const range = ({ start_time, end_time }: { start_time: string; end_time: string }) => rangeWords(start_time, end_time)
  return (
    <>
      <div role="status" className={cn('flex items-start gap-3 rounded-md p-4', classes)}>
        <Icon aria-hidden className="size-6 shrink-0" />
        <div>
          <p className="font-semibold text-lg">{words.label}</p>
          <p className="text-sm">{words.sentence}</p>
        </div>
      </div>
      {result.findings.length > 0 && <Findings result={result} onOpenDigest={onOpenDigest} />}
      <Details
        items={[
          ['Asked for', range(result.requested)],
          ['Covered', result.found ? range(result.found) : 'Nothing of it'],
          ['Digests verified', countWords(result.digests_verified)],
          ['Records covered', countWords(result.records_covered)],
          [
            'Records hashed again',
            of.input.deep_verify ? countWords(result.records_verified) : 'None: it was a shallow one',
          ],
          ['Payloads hashed again', of.input.deep_verify ? countWords(result.payloads_verified) : 'None'],
          ['Tree size', countWords(result.tree_size)],
          [
            'Root',
            <span key="root" className="break-all font-mono text-xs">
              {result.root_hash ?? 'none'}
            </span>,
          ],
          [
            'Took',
            result.duration_ms < 1_000
              ? `${Math.round(result.duration_ms)} ms`
              : `${(result.duration_ms / 1_000).toFixed(1)} s`,
          ],
        ]}
      />
      {result.notes.length > 0 && (
        <Section title="What this cannot know">
          <ul className="flex list-disc flex-col gap-1 pl-5 text-sm">
            {result.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Section>
      )}
    </>
  )
}

function Findings({ result: { findings, findings_more: more }, onOpenDigest }: Omit<OutcomeProps, 'of'>) {
  // What is wrong comes before what is only told: of that there may be more than is shown.
  const ordered = [...findings.filter(({ severity }) => severity === 'error'), ...findings.filter(isTold)]
  const shown = ordered.slice(0, FINDINGS_SHOWN_MAX)
  const left = findings.length - shown.length + more
  return (
    <Section title={`Findings (${countWords(findings.length + more)})`}>
      <ScrollRegion aria-label="Findings">
        <table className="w-full border-separate border-spacing-0 text-sm">
          <thead>
            <tr>
              {['What', 'Where', 'In words'].map((word) => (
                <th
                  key={word}
                  scope="col"
                  className="border-b bg-sunken px-2 py-1.5 text-left font-medium text-fg-muted text-xs sm:px-3"
                >
                  {word}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(({ state, severity, seq, digest_id, message }) => (
              <tr key={`${state} ${seq} ${digest_id} ${message}`} className="align-top">
                <td className="border-b px-2 py-1.5 sm:px-3">
                  <code
                    className={cn(
                      'font-mono text-xs wrap-anywhere sm:whitespace-nowrap',
                      severity === 'error' ? 'text-bad-text' : 'text-fg-muted',
                    )}
                  >
                    {state}
                  </code>
                  {severity === 'info' && <p className="text-fg-muted text-xs">no error</p>}
                </td>
                <td className="border-b px-2 py-1.5 tabular-nums sm:whitespace-nowrap sm:px-3">
                  {seq !== undefined && `Record ${countWords(seq)}`}
                  {digest_id !== undefined && (
                    <Button variant="link" size="sm" onClick={() => onOpenDigest(digest_id)}>
                      Its digest
                    </Button>
                  )}
                  {seq === undefined && digest_id === undefined && '–'}
                </td>
                <td className="wrap-anywhere border-b px-2 py-1.5 sm:px-3">{message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollRegion>
      {left > 0 && (
        <p className="text-fg-muted text-xs">
          {countWords(left)} more are not shown{more > 0 ? ', and the report holds only the first of them' : ''}.
        </p>
      )}
    </Section>
  )
}

const isTold = ({ severity }: VerificationResult['findings'][number]) => severity === 'info'

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section aria-label={title} className="flex flex-col gap-2">
    <h3 className="font-medium text-sm">{title}</h3>
    {children}
  </section>
)
