'use client'

import { ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CodeBlock } from '@/components/ui/code-block'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import type { BundleReport as Report } from '@/lib/trail/verify-bundle'
import { BundleDrop } from './bundle-drop'
import { BundleReport } from './bundle-report'
import { NoteField } from './note-field'

type Outcome = { report: Report } | { problem: string } | 'working' | null

export function VerifyBundle() {
  const [file, setFile] = useState<File | null>(null)
  const [fingerprint, setFingerprint] = useState('')
  const [note, setNote] = useState('')
  const [problem, setProblem] = useState<string>()
  const [outcome, setOutcome] = useState<Outcome>(null)
  /** What stands below belongs to what was asked, not to what is typed since. */
  const changed = <T,>(set: (value: T) => void) => {
    return (value: T) => {
      set(value)
      setOutcome(null)
    }
  }

  const verify = async () => {
    const { parsePin } = await import('@/lib/trail/keys')
    const isPin = parsePin(fingerprint) !== null
    setProblem(isPin ? undefined : 'A fingerprint has 64 digits from 0 to 9 and a to f.')
    if (!file || !isPin) return
    setOutcome('working')
    try {
      const [{ verifyArchive }, { BUNDLE_BYTES_MAX }] = await Promise.all([
        import('@/lib/trail/verify-bundle'),
        import('@/lib/trail/bundle'),
      ])
      if (file.size > BUNDLE_BYTES_MAX) {
        setOutcome({ problem: `${file.name} is too large for a bundle.` })
        return
      }
      const bytes = await file.arrayBuffer()
      const known = note.trim() === '' ? {} : { knownCheckpoint: note }
      setOutcome({ report: verifyArchive(new Uint8Array(bytes), { fingerprint, ...known }) })
    } catch {
      setOutcome({ problem: 'This browser could not read the file. Choose it again.' })
    }
  }

  return (
    <div className="flex flex-col gap-6">
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (outcome !== 'working') void verify()
        }}
      >
        <BundleDrop file={file} onChoose={changed(setFile)} />
        <Field
          id="fingerprint"
          label="Fingerprint of the signing key"
          hint="From the organization, over another way than the bundle came: it is what makes this a proof. Spaces and colons do not matter."
          error={problem}
        >
          <Input
            {...describedBy('fingerprint', problem)}
            className="font-mono"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={fingerprint}
            placeholder="d6b3aa6d 1f5e0c6a 7f8f3f7e c1a9a3de …"
            onChange={(event) => changed(setFingerprint)(event.target.value)}
          />
        </Field>
        <details>
          <summary className="w-fit rounded-md text-sm">Compare with a checkpoint that was kept elsewhere</summary>
          <div className="pt-3">
            <NoteField
              id="known-checkpoint"
              label="Kept checkpoint"
              hint="Shows whether the bundle is of the same history."
              value={note}
              onChange={changed(setNote)}
            />
          </div>
        </details>
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" variant="primary" size="lg" disabled={!file || outcome === 'working'}>
            <ShieldCheck /> {outcome === 'working' ? 'Verifying…' : 'Verify'}
          </Button>
          {!file && <span className="text-fg-muted text-xs">Choose a bundle first.</span>}
        </div>
      </form>
      <div role="status" className="flex flex-col gap-4 empty:hidden">
        {outcome !== null &&
          outcome !== 'working' &&
          ('problem' in outcome ? (
            <Callout tone="danger">{outcome.problem}</Callout>
          ) : (
            <BundleReport report={outcome.report} />
          ))}
      </div>
      <section aria-labelledby="offline" className="flex flex-col gap-2 border-t pt-4">
        <h2 id="offline" className="font-medium text-sm">
          Without this page
        </h2>
        <p className="text-fg-muted text-sm">
          This page comes from a server, and a server could change it. The same check runs on your own machine, from
          source that you can read:
        </p>
        <CodeBlock code="kt verify bundle.zip --fingerprint <fingerprint>" what="command" />
      </section>
    </div>
  )
}
