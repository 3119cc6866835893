import { type Command, Option } from 'commander'
import type { z } from 'zod'
import {
  INVOICE_CHARACTERS_MAX,
  INVOICE_FORMATS,
  type Invoice,
  type InvoiceDifference,
  usage,
} from '@/lib/contract/usage'
import { leftOutText, nothingRecordedText } from '@/lib/invoice-words'
import { integer } from './arguments'
import { addCommand } from './command'
import { dollars } from './dollars'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import { type Column, createTable } from './print'
import { cellTime, printable } from './text'
import { readTextFile } from './text-file'

type ImportOptions = {
  month: string
  provider: string
  format: (typeof INVOICE_FORMATS)[number]
  note?: string
  dryRun?: boolean
  idempotencyKey?: string
}
type Difference = z.infer<typeof InvoiceDifference>

const INVOICES: Column<Invoice>[] = [
  { header: 'ID', cell: ({ id }) => id },
  { header: 'MONTH', cell: ({ month }) => month },
  { header: 'PROVIDER', cell: ({ provider }) => provider },
  { header: 'ROWS', cell: ({ rows }) => String(rows) },
  { header: 'INVOICE USD', cell: (one) => dollars(one.invoice_usd) },
  { header: 'OURS USD', cell: (one) => dollars(one.ours_usd) },
  { header: 'DIFFERENCE USD', cell: (one) => dollars(one.difference_usd) },
  { header: 'IMPORTED', cell: (one) => cellTime(one.created_at, '-') },
]

const DIFFERENCES: Column<Difference>[] = [
  { header: 'MODEL', cell: ({ model }) => model || '-' },
  { header: 'KEY', cell: ({ key }) => key || '-' },
  { header: 'REQUESTS', cell: ({ requests }) => String(requests) },
  { header: 'INVOICE USD', cell: (one) => dollars(one.invoice_usd) },
  { header: 'OURS USD', cell: (one) => dollars(one.ours_usd) },
  { header: 'DIFFERENCE USD', cell: (one) => dollars(one.difference_usd) },
]

/** In UTF-8, a character has four bytes at most. */
const INVOICE_BYTES_MAX = 4 * INVOICE_CHARACTERS_MAX

export function addInvoiceCommands(io: Io, group: Command): void {
  addCommand<{ month?: string; limit: number }>(io, group, {
    name: 'invoices',
    summary: 'List invoices that were compared, newest first',
    setUp: (command) =>
      command
        .option('--month <month>', 'only of this one, such as 2026-03')
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { month, limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(usage.invoices, { month, ...position }))
      print.list(page, INVOICES, 'No invoices.')
    },
  })
  addCommand(io, group, {
    name: 'invoice',
    summary: 'Show one invoice with its differences',
    setUp: (command) => command.argument('<id>', 'such as inv_019a...'),
    run: async ({ api, print }, _options, [id = '']) => {
      const invoice = await (await api())(usage.invoice, { id })
      print.record(invoice, comparedLines(invoice))
    },
  })
  addCommand<ImportOptions>(io, group, {
    name: 'import-invoice',
    summary: "Compare a provider's CSV with what was recorded, and keep it",
    setUp: (command) =>
      command
        .argument('<file>', 'CSV as the provider exports it; - reads standard input')
        .requiredOption('--month <month>', 'such as 2026-03')
        .requiredOption('--provider <name>', 'as targets name it, such as openai')
        .addOption(new Option('--format <format>', 'of the file').choices(INVOICE_FORMATS).default('auto'))
        .option('--note <text>', 'such as the number of the invoice')
        .option('--dry-run', 'compare it and keep nothing; exit code 2 when a line cannot be read')
        .option('--idempotency-key <key>', 'asked again with the same key, it is done once and answered the same'),
    run: async ({ api, print }, { month, provider, format, note, dryRun, idempotencyKey }, [file = '']) => {
      const content = await readTextFile(io, file, INVOICE_BYTES_MAX)
      const call = await api()
      const input = { month, provider, format, content, note, dry_run: dryRun }
      const compared = await call(usage.importInvoice, input, { idempotencyKey })
      const left = leftOutText(compared) ?? []
      print.record(compared, [compared.id ?? 'Nothing was kept.', left, comparedLines(compared)].flat())
      for (const { line, message } of compared.problems)
        io.stderr.write(`${printable(`${file}:${line}: ${message}`)}\n`)
      if (compared.problems.length > 0) throw new Exit(EXIT.invalidInput)
    },
  })
}

const comparedLines = (invoice: Omit<Invoice, 'id'> & { differences: Difference[] }): string[] => [
  `${invoice.provider} ${invoice.month}: ${dollars(invoice.invoice_usd)} USD in ${invoice.rows === 1 ? 'one row' : `${invoice.rows} rows`}, ours ${dollars(invoice.ours_usd)} USD, difference ${dollars(invoice.difference_usd)} USD`,
  ...[nothingRecordedText(invoice) ?? []].flat(),
  ...createTable(DIFFERENCES).format(invoice.differences, true),
]
