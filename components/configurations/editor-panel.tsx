'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { ErrorState } from '@/components/ui/error-state'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { Skeleton } from '@/components/ui/skeleton'
import { configurations } from '@/lib/contract/configurations'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { lintPolicyConfig } from '@/lib/policy/config'
import { api } from '../api'
import { configurationQueries } from './configuration-queries'
import { DiagnosticsList } from './diagnostics-list'
import { withNextVersion } from './starter'

const YamlEditor = dynamic(() => import('./yaml-editor').then((module) => module.YamlEditor), {
  ssr: false,
  loading: () => <Skeleton className="h-80" />,
})

/** The newest version in the editor. What is saved is a new version; versions themselves never change. */
export function EditorPanel({ id, latest }: { id: string; latest: string }) {
  const [base, setBase] = useState(latest)
  const { data, error, refetch } = useQuery(configurationQueries.version(id, base))
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-80" />
  return (
    <>
      {base !== latest && (
        <Callout tone="warn" className="mb-3">
          Version {latest} was saved meanwhile.{' '}
          <button type="button" className="underline" onClick={() => setBase(latest)}>
            Load it
          </button>{' '}
          and lose what you have not saved here.
        </Callout>
      )}
      <Editor key={data.version} id={id} version={data.version} saved={data.yaml} onSaved={setBase} />
    </>
  )
}

type EditorProps = { id: string; version: string; saved: string; onSaved: (version: string) => void }

function Editor({ id, version, saved, onSaved }: EditorProps) {
  const canWrite = useCan('configurations:write')
  const queryClient = useQueryClient()
  // The editor keeps its own text; `start` replaces it when we change it, such as when the version is raised.
  const [start, setStart] = useState(saved)
  const [text, setText] = useState(saved)
  const [note, setNote] = useState('')
  const linted = useDeferredValue(text)
  const { config, diagnostics } = useMemo(() => lintPolicyConfig(linted), [linted])
  const jumpRef = useRef<((line: number, column: number) => void) | null>(null)
  const save = useMutation({
    mutationFn: () =>
      api(
        configurations.createVersion,
        { id, yaml: text, note: note.trim() || undefined, expected_latest_version: version },
        { idempotencyKey: newId('req') },
      ),
    onSuccess: async (created) => {
      notice.success(`Version ${created.version} was saved.`, {
        description: 'No gateway runs it until you roll it out.',
      })
      await queryClient.invalidateQueries({ queryKey: configurationQueries.all })
      onSaved(created.version)
    },
  })
  const isChanged = text !== saved
  const isSameVersion = config?.pack.version === version
  useWarningBeforeLeaving(isChanged)
  const raise = () => {
    const raised = withNextVersion(text)
    if (raised === null) return
    setStart(raised)
    setText(raised)
  }
  return (
    <div className="flex flex-col gap-3">
      {save.error && <SaveError error={save.error} />}
      <YamlEditor initial={start} onChange={setText} readOnly={!canWrite} diagnostics={diagnostics} jumpRef={jumpRef} />
      <DiagnosticsList diagnostics={diagnostics} onJump={(line, column) => jumpRef.current?.(line, column)} />
      {canWrite && (
        <div className="sticky bottom-0 z-10 -mb-3 flex flex-wrap items-center gap-3 border-t bg-canvas py-3 lg:-mb-5">
          <Button
            variant="primary"
            disabled={!isChanged || !config || isSameVersion || save.isPending}
            onClick={() => save.mutate()}
          >
            {save.isPending
              ? 'Saving…'
              : config && isChanged && !isSameVersion
                ? `Save version ${config.pack.version}`
                : 'Save version'}
          </Button>
          {isChanged && isSameVersion && (
            <p className="text-fg-muted text-sm">
              Version {version} exists.{' '}
              <button type="button" className="text-accent underline underline-offset-2" onClick={raise}>
                Raise pack.version
              </button>{' '}
              to save this.
            </p>
          )}
          {isChanged && config && !isSameVersion && (
            <Input
              aria-label="Note"
              placeholder="What changed, for the list of versions"
              maxLength={80}
              autoComplete="off"
              className="max-w-sm flex-1"
              value={note}
              onChange={(event) => setNote(event.target.value)}
            />
          )}
          {!isChanged && <p className="text-fg-muted text-sm">This is version {version}.</p>}
        </div>
      )}
    </div>
  )
}

/** Asks before the tab is closed or loaded again while something is not saved. */
function useWarningBeforeLeaving(isUnsaved: boolean) {
  useEffect(() => {
    if (!isUnsaved) return
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', warn)
    return () => window.removeEventListener('beforeunload', warn)
  }, [isUnsaved])
}

function SaveError({ error }: { error: Error }) {
  const isOutdated = error instanceof AppError && error.code === 'precondition_failed'
  return (
    <Callout tone="danger" role="alert">
      {isOutdated
        ? 'Somebody saved another version meanwhile. Yours was not saved; copy what you need before you load it.'
        : error.message}
    </Callout>
  )
}
