import { createHash } from 'node:crypto'
import { invoices } from '@/drizzle/schema/invoices'
import type { usage as contract } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { leftOutText } from '@/lib/invoice-words'
import { nanoUsd, nanoUsdOf } from '@/lib/money'
import { appendAudit } from '../../audit/append'
import type { Context } from '../../context'
import { toInstant } from '../../instant'
import { ownPrices } from '../../model-pricing/queries'
import type { Input } from '../../routes'
import { seesAll } from '../months/queries'
import { compareInvoice } from './compare'
import { recordedOf, toInvoice } from './queries'
import { type Problem, readInvoice } from './read-invoice'

/** @throws AppError `unprocessable` when something in it cannot be read: of a dry run that is told, line by line */
export async function importInvoice(ctx: Context, input: Input<typeof contract.importInvoice>) {
  const { tx, actor, request } = ctx
  seesAll(actor)
  const { month, provider, content, dry_run: isDryRun } = input
  const { own } = await ownPrices(tx, actor.orgId)
  const { format, lines, skipped, problems } = await readInvoice({
    content,
    format: input.format,
    month,
    rates: own.rates,
  })
  if (!isDryRun) mustBeWhole(problems)
  if (lines.length === 0 && problems.length === 0) {
    throw new AppError(
      'unprocessable',
      `Nothing in it is of ${month}. ${leftOutText({ format, skipped }) ?? ''}`.trim(),
    )
  }
  const size = lines.reduce((sum, { amount }) => sum + (amount < 0n ? -amount : amount), 0n)
  if (size > INVOICE_SIZE_MAX) {
    throw new AppError('unprocessable', 'Its amounts come to more than four billion dollars, without their signs.')
  }
  const ours = await recordedOf(ctx, provider, month)
  const differences = compareInvoice(lines, ours, format === 'azure')
  const row = {
    orgId: actor.orgId,
    id: newId('inv'),
    month,
    provider,
    format,
    rows: lines.length,
    invoiceTotal: totalOf(lines),
    ourTotal: totalOf(ours),
    differences,
    note: input.note ?? null,
    createdAt: toInstant(request.now),
    createdById: actor.id,
    createdByName: actor.name,
  }
  const told = { ...toInvoice(row), skipped, differences, problems }
  if (isDryRun) return { ...told, id: null }

  await tx.insert(invoices).values(row)
  await appendAudit(ctx, {
    action: 'usage.invoice_imported',
    target: { type: 'invoice', id: row.id, name: row.note },
    after: {
      month,
      provider,
      format,
      rows: row.rows,
      invoice_usd: told.invoice_usd,
      ours_usd: told.ours_usd,
      content_sha256: createHash('sha256').update(content).digest('hex'),
    },
  })
  return told
}

/** Sums are kept in 63 bits of nano-dollars. */
const INVOICE_SIZE_MAX = nanoUsdOf('4000000000')

const totalOf = (lines: readonly { amount: bigint }[]) => nanoUsd(lines.reduce((sum, { amount }) => sum + amount, 0n))

/** An invoice of which a part is missing would agree with nothing. */
function mustBeWhole(problems: readonly Problem[]): void {
  const [first] = problems
  if (!first) return
  const errors = problems.slice(0, SHOWN_MAX).map(({ line, message }) => ({ path: `line ${line}`, message }))
  const more = problems.length > 1 ? ` ${problems.length - 1} more cannot be read either.` : ''
  throw new AppError('unprocessable', `Line ${first.line}: ${first.message}${more} Nothing was kept.`, { errors })
}

const SHOWN_MAX = 20
