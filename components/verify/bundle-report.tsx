import { CircleCheck, OctagonX } from 'lucide-react'
import { cn } from '@/components/ui/cn'
import { Details } from '@/components/ui/details'
import type { BundleReport as Report } from '@/lib/trail/verify-bundle'
import { CheckList } from './check-list'

/** The answer in a sentence, then each thing that was looked at, then what nobody can know from a bundle. */
export function BundleReport({ report }: { report: Report }) {
  const failed = report.checks.filter(({ ok }) => !ok)
  const Icon = report.ok ? CircleCheck : OctagonX
  return (
    <>
      <div
        className={cn(
          'flex items-start gap-3 rounded-md p-4',
          report.ok ? 'bg-ok-soft text-ok-text' : 'bg-bad-soft text-bad-text',
        )}
      >
        <Icon aria-hidden className="size-6 shrink-0" />
        <div className="min-w-0">
          <h2 className="font-semibold text-lg">{report.ok ? 'The evidence holds' : 'The evidence does not hold'}</h2>
          <p className="break-words text-sm">
            {report.ok
              ? 'What it says was recorded like this, and signed with the key of this fingerprint.'
              : `${failed.length} of ${report.checks.length} checks ${failed.length === 1 ? 'fails' : 'fail'}: ${failed.map(({ name }) => name).join(', ')}.`}
          </p>
        </div>
      </div>
      {report.org !== null && (
        <Details
          items={[
            ['Organization', <Mono key="org" text={report.org} />],
            ['Request', <Mono key="request" text={report.request_id ?? '–'} />],
            ...(report.checkpoint
              ? ([
                  ['Log', <Mono key="log" text={report.checkpoint.origin} />],
                  ['Signed root', <Mono key="root" text={report.checkpoint.root_hash} />],
                  ['Records in it', report.checkpoint.size.toLocaleString('en')],
                ] satisfies [string, React.ReactNode][])
              : []),
          ]}
        />
      )}
      <CheckList
        label="Checks"
        checks={report.checks.map(({ name, ok, detail }) => ({ name, state: ok ? 'pass' : 'fail', detail }))}
      />
      {report.notes.length > 0 && (
        <section aria-label="What is not known" className="flex flex-col gap-2">
          <h2 className="font-medium text-sm">What is not known, or left out on purpose</h2>
          <ul className="flex list-disc flex-col gap-1 pl-5 text-sm">
            {report.notes.map((note) => (
              <li key={note} className="break-words">
                {note}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

const Mono = ({ text }: { text: string }) => <span className="break-all font-mono text-xs">{text}</span>
