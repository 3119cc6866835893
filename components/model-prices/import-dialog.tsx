'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { z } from 'zod'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CheckedForm } from '@/components/ui/checked-form'
import { Choice } from '@/components/ui/choice'
import { Dialog, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { TextFile } from '@/components/ui/text-file'
import { IMPORT_CHARACTERS_MAX, modelPricing } from '@/lib/contract/model-pricing'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { ChangesTable } from './changes-table'
import { priceQueries } from './price-queries'

type Preview = z.output<typeof modelPricing.preview.output>
type Format = 'csv' | 'json'

const FORM_ID = 'import-prices'
const PROBLEMS_SHOWN = 10
const EXAMPLE = 'provider,model,effective_from,input,output\nopenai,gpt-5.4-mini,2026-03-01,0.60,3.60'

/** Read and compared first: nothing is saved until the differences were seen. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient()
  const [format, setFormat] = useState<Format>('csv')
  const [content, setContent] = useState('')
  const [note, setNote] = useState('')
  const [problem, setProblem] = useState<string>()
  const [read, setRead] = useState<Preview | null>(null)
  const preview = useMutation({
    mutationFn: () => api(modelPricing.preview, { format, content }),
    onSuccess: setRead,
  })
  const save = useMutation({
    mutationFn: ({ base_version, set }: Preview) =>
      api(
        modelPricing.createVersion,
        { base_version, set, note: note.trim() || undefined },
        { idempotencyKey: newId('req') },
      ),
    onSuccess: ({ version, changes }) => {
      notice.success(`Version ${version}: ${changes === 1 ? 'one price' : `${changes} prices`} set.`)
      onClose()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: priceQueries.all }),
  })
  const show = () => {
    const found =
      content.trim() === ''
        ? 'Choose a file, or paste its text.'
        : content.length > IMPORT_CHARACTERS_MAX
          ? `It may have ${IMPORT_CHARACTERS_MAX.toLocaleString('en')} characters.`
          : undefined
    setProblem(found)
    if (!found) preview.mutate()
  }
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        className="max-w-3xl"
        title={read ? titleOf(read) : 'Import own prices'}
        description={
          read ? 'Nothing is saved yet.' : 'Rows are compared with what is in force before anything is saved.'
        }
        footer={
          read ? (
            <>
              <Button
                onClick={() => {
                  save.reset()
                  setRead(null)
                }}
              >
                Back
              </Button>
              <Button
                variant="primary"
                disabled={save.isPending || read.set.length === 0}
                onClick={() => save.mutate(read)}
              >
                {save.isPending
                  ? 'Saving…'
                  : `Save ${read.set.length === 1 ? 'one price' : `${read.set.length} prices`}`}
              </Button>
            </>
          ) : (
            <>
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" form={FORM_ID} variant="primary" disabled={preview.isPending}>
                {preview.isPending ? 'Reading…' : 'Show what changes'}
              </Button>
            </>
          )
        }
      >
        {read && save.error && (
          <Callout tone="danger" role="alert" className="mb-4">
            {save.error.message}
          </Callout>
        )}
        {read ? (
          <div className="flex flex-col gap-4">
            {read.problems.length > 0 && <Unread problems={read.problems} />}
            {read.items.length > 0 && <ChangesTable changes={read.items} />}
            <Field id="import-note" label="Note" hint="Stands beside the version. Can be left out.">
              <Input
                {...describedBy('import-note')}
                autoComplete="off"
                maxLength={80}
                placeholder="Contract 2026"
                value={note}
                onChange={(event) => setNote(event.target.value)}
              />
            </Field>
          </div>
        ) : (
          <CheckedForm id={FORM_ID} problem={preview.error?.message} isPending={preview.isPending} onSubmit={show}>
            <Choice
              label="Format"
              value={format}
              onChange={(next) => setFormat(next === 'json' ? 'json' : 'csv')}
              options={[
                { value: 'csv', label: 'CSV' },
                { value: 'json', label: 'JSON' },
              ]}
            />
            <TextFile
              id="import-content"
              label={format === 'csv' ? 'CSV with a line of names' : 'JSON: an array of rows'}
              hint={
                format === 'csv'
                  ? 'Columns provider, model, effective_from, currency, and prices such as input, cached_input, output.'
                  : 'Rows with provider, model, effective_from, currency, prices and tiers.'
              }
              accept={format === 'csv' ? '.csv,text/csv' : '.json,application/json'}
              text={content}
              error={problem}
              onText={(text, fileName) => {
                setContent(text)
                if (fileName?.toLowerCase().endsWith('.json')) setFormat('json')
              }}
            />
            {format === 'csv' && content === '' && (
              <Button size="sm" variant="ghost" className="self-start" onClick={() => setContent(EXAMPLE)}>
                Begin with an example
              </Button>
            )}
          </CheckedForm>
        )}
      </DialogContent>
    </Dialog>
  )
}

function titleOf({ items, problems }: Preview): string {
  const changes = items.length === 1 ? 'One price changes' : `${items.length} prices change`
  return problems.length === 0
    ? changes
    : `${changes}, ${problems.length === 1 ? 'one line' : `${problems.length} lines`} could not be read`
}

const Unread = ({ problems }: { problems: Preview['problems'] }) => (
  <Callout tone="warn">
    <p className="font-medium">What could not be read is left out:</p>
    <ul className="mt-1">
      {problems.slice(0, PROBLEMS_SHOWN).map(({ line, message }) => (
        <li key={`${line} ${message}`}>
          Line {line}: {message}
        </li>
      ))}
    </ul>
    {problems.length > PROBLEMS_SHOWN && <p>and {problems.length - PROBLEMS_SHOWN} more</p>}
  </Callout>
)
