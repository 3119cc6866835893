import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { Client } from '@/lib/client'
import { trail } from '@/lib/contract/trail'
import { CHECKPOINT_LENGTH_MAX, type TrailDigestSummary, type Verification } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import { integer } from './arguments'
import { addCommand } from './command'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import type { Column } from './print'
import { createProgress } from './progress'
import { confirm, isInteractive } from './prompt'
import { cellTime, printable, toSeconds } from './text'

type Range = { since?: string; until?: string }
type VerifyOptions = { since: string; until?: string; deep?: boolean; checkpoint?: string }

const POLL_MS = [100, 200, 500, 1_000, 2_000]

const COLUMNS: Column<TrailDigestSummary>[] = [
  { header: 'NUMBER', cell: (digest) => String(digest.number) },
  { header: 'FROM', cell: (digest) => cellTime(digest.period_start, '-') },
  { header: 'TO', cell: (digest) => cellTime(digest.period_end, '-') },
  { header: 'RECORDS', cell: (digest) => String(digest.event_count) },
  { header: 'SIZE', cell: (digest) => String(digest.tree_size) },
  { header: 'ROOT', cell: (digest) => digest.root_hash.slice(0, 16) },
  { header: 'DIGEST', cell: (digest) => digest.digest_id },
]

export function addTrailGroup(io: Io, program: Command): void {
  const group = program.command('trail').description('The signed record of events and activity')
  addCommand(io, group, {
    name: 'status',
    summary: 'Show how far the record is signed (exit code 1 while an alarm stands)',
    run: async ({ api, print }) => {
      const status = await (await api())(trail.status, {})
      print.record(status, statusLines(status))
      if (status.alarm) throw new Exit(EXIT.failed)
    },
  })
  addVerify(io, group)
  addDigests(io, group)
  addCheckpoint(io, group)
  addKeys(io, group)
}

function addDigests(io: Io, group: Command): void {
  addCommand<Range & { limit: number }>(io, group, {
    name: 'digests',
    summary: 'List digests, newest first',
    setUp: (command) =>
      command
        .option('--since <time>', 'RFC 3339, or how long ago, such as 7d')
        .option('--until <time>', 'RFC 3339, or how long ago')
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), 50),
    run: async ({ api, print }, { since, until, limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) => call(trail.digests, { since, until, ...position }))
      print.list(page, COLUMNS, 'No digests yet.')
    },
  })
  addCommand(io, group, {
    name: 'digest',
    summary: 'Show one digest with the exact text that is signed',
    setUp: (command) => command.argument('<id>', 'id of the digest, such as dig_019a...'),
    run: async ({ api, print }, _options, [id = '']) => print.data(await (await api())(trail.digest, { id })),
  })
  addCommand(io, group, {
    name: 'sign',
    summary: 'Sign a digest now, of everything recorded so far',
    run: async ({ api, print }) => {
      const digest = await (await api())(trail.sign, {})
      print.record(digest, [`${digest.digest_id}: ${digest.event_count} records, tree of ${digest.tree_size}`])
    },
  })
}

function addCheckpoint(io: Io, group: Command): void {
  addCommand<{ treeSize?: number }>(io, group, {
    name: 'checkpoint',
    summary: 'Print the latest signed checkpoint; keep it where the operator cannot reach it',
    setUp: (command) =>
      command.option('--tree-size <size>', 'the checkpoint of this size', integer(0, Number.MAX_SAFE_INTEGER)),
    run: async ({ api, io: { stdout }, print }, { treeSize }) => {
      const checkpoint = await (await api())(trail.checkpoint, { tree_size: treeSize })
      // Byte for byte, so that `> checkpoint.txt` keeps what was signed. Only text that is safe to show comes out.
      if (print.format === 'table') stdout.write(checkpoint.note.split('\n').map(printable).join('\n'))
      else print.data(checkpoint)
    },
  })
}

function addKeys(io: Io, group: Command): void {
  addCommand(io, group, {
    name: 'key',
    summary: 'Show the signing key; compare its fingerprint over another way',
    run: async ({ api, print }) => {
      const key = await (await api())(trail.publicKey, {})
      print.record(key, [
        `Fingerprint  ${key.fingerprint}`,
        `Origin       ${key.origin}`,
        `Since        ${toSeconds(key.not_before)}`,
        `Keys so far  ${key.history.length}`,
        ...key.pem.trim().split('\n'),
      ])
    },
  })
  addCommand<{ yes?: boolean }>(io, group, {
    name: 'rotate-key',
    summary: 'Make a new signing key, which the present one signs',
    setUp: (command) => command.addOption(new Option('--yes', 'do not ask')),
    run: async ({ api, io: own, print }, { yes }) => {
      if (!yes) {
        if (!isInteractive(own))
          throw new AppError('invalid_request', 'Pass --yes to rotate the key without a terminal.')
        if (!(await confirm(own, 'Sign with a new key from now on?'))) throw new Exit(EXIT.failed)
      }
      const key = await (await api())(trail.rotateKey, {})
      print.record(key, [`Fingerprint  ${key.fingerprint}`, 'What was signed before stays verifiable.'])
    },
  })
}

function addVerify(io: Io, group: Command): void {
  addCommand<VerifyOptions>(io, group, {
    name: 'verify',
    summary: 'Verify the record between two times (exit code 1 unless it is valid)',
    setUp: (command) =>
      command
        .option('--since <time>', 'RFC 3339, or how long ago', '24h')
        .option('--until <time>', 'RFC 3339, or how long ago; now when absent')
        .option('--deep', 'also hash every record and captured payload again')
        .option(
          '--checkpoint <file>',
          'a checkpoint that was kept elsewhere; finds a lost tail, a restored backup, a fork',
        ),
    run: async ({ api, io: own, print }, { since, until, deep = false, checkpoint }) => {
      const call = await api()
      const known_checkpoint = checkpoint === undefined ? undefined : await readCheckpoint(checkpoint)
      const begun = await call(trail.verify, {
        start_time: since,
        end_time: until,
        deep_verify: deep,
        known_checkpoint,
      })
      const seen = await awaitVerification(own, call, begun)
      print.record(seen, resultLines(seen))
      if (seen.chain_integrity !== 'valid') throw new Exit(EXIT.failed)
    },
  })
}

async function readCheckpoint(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('invalid_request', `Cannot read ${file}: ${cause.code}.`, { cause })
  })
  if (text.length > CHECKPOINT_LENGTH_MAX)
    throw new AppError('invalid_request', `${file} is too long for a checkpoint.`)
  return text
}

async function awaitVerification(io: Io, call: Client, begun: Verification): Promise<Verification> {
  const progress = createProgress(io, 'Verifying')
  let seen = begun
  try {
    for (let asked = 0; seen.state === 'queued' || seen.state === 'running'; asked++) {
      progress.show(seen.progress.done, seen.progress.total || null)
      await sleep(POLL_MS[Math.min(asked, POLL_MS.length - 1)])
      seen = await call(trail.verification, { id: seen.id })
    }
  } finally {
    progress.end()
  }
  if (seen.state === 'done') return seen
  io.stderr.write(
    `kt: The verification ${seen.id} is ${seen.state}${seen.error ? `: ${printable(seen.error)}` : '.'}\n`,
  )
  throw new Exit(EXIT.failed)
}

function resultLines({ result, chain_integrity }: Verification): string[] {
  if (!result) return [`Chain        ${chain_integrity}`]
  const { found, requested, findings } = result
  const range = (one: { start_time: string; end_time: string }) =>
    `${toSeconds(one.start_time)} to ${toSeconds(one.end_time)}`
  return [
    `Chain        ${chain_integrity}`,
    `Asked for    ${range(requested)}`,
    `Found        ${found ? range(found) : 'nothing'}`,
    `Digests      ${result.digests_verified}`,
    `Records      ${result.records_verified} of ${result.records_covered} hashed again`,
    `Payloads     ${result.payloads_verified}`,
    ...findings.map(({ state, seq, digest_id, message }) => `${state}  ${digest_id ?? seq ?? '-'}  ${message}`),
    ...(result.findings_more > 0 ? [`and ${result.findings_more} more findings`] : []),
    ...result.notes,
  ]
}

function statusLines(status: z.output<typeof trail.status.output>): string[] {
  const { last_digest: last, key, alarm } = status
  return [
    ...(alarm
      ? [
          `ALARM        ${alarm.message} (${toSeconds(alarm.raised_at)}); nothing is signed until somebody acknowledges it`,
        ]
      : []),
    `Records      ${status.tree_size}, ${status.undigested} not covered by a digest yet`,
    last
      ? `Last digest  ${toSeconds(last.period_end)}, number ${last.number}, tree of ${last.tree_size}, ${last.digest_id}`
      : 'Last digest  none yet',
    `Next digest  ${status.next_digest_due_at ? toSeconds(status.next_digest_due_at) : 'not while an alarm stands'}`,
    `Key          ${key ? key.fingerprint : 'none yet'}${status.can_sign ? '' : ' (this installation cannot sign with it)'}`,
    ...status.sinks.map(
      ({ kind, last_size, last_error }) =>
        `Sink         ${kind}: up to ${last_size}${last_error ? `, failing: ${last_error}` : ''}`,
    ),
  ]
}
