import { readFile, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { AppError } from '@/lib/errors'
import { BUNDLE_BYTES_MAX } from '@/lib/trail/bundle'
import { type BundleReport, verifyArchive } from '@/lib/trail/verify-bundle'
import { addCommand } from './command'
import { EXIT, Exit } from './failure'
import type { Io } from './io'

type VerifyOptions = { fingerprint: string; checkpoint?: string }

/** Works without a network, a server or an account: what it trusts is on the command line. */
export function addVerifyCommand(io: Io, program: Command): void {
  addCommand<VerifyOptions>(io, program, {
    name: 'verify',
    summary: 'Verify an evidence bundle offline (exit code 1 unless everything holds)',
    setUp: (command) =>
      command
        .argument('<file>', 'the archive, such as bundle.zip')
        .requiredOption(
          '--fingerprint <sha256>',
          'of the signing key, from somebody you trust; `kt trail key` shows it',
        )
        .option('--checkpoint <file>', 'a checkpoint of the same log that was kept elsewhere'),
    run: async ({ print }, { fingerprint, checkpoint }, [file = '']) => {
      const archive = await readBounded(file)
      const known =
        checkpoint === undefined ? {} : { knownCheckpoint: (await readBounded(checkpoint)).toString('utf8') }
      const report = verifyArchive(archive, { fingerprint, ...known })
      print.record(report, linesOf(report))
      if (!report.ok) throw new Exit(EXIT.failed)
    },
  })
}

async function readBounded(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file)
    if (size > BUNDLE_BYTES_MAX) throw new AppError('invalid_request', `${file} is too large for a bundle.`)
    return await readFile(file)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const code = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new AppError('invalid_request', `Cannot read ${file}: ${code}.`, { cause })
  }
}

const linesOf = ({ ok, org, request_id, checkpoint, checks, notes }: BundleReport): string[] => [
  ...(request_id === null ? [] : [`Request      ${request_id}`, `Organisation ${org}`]),
  ...(checkpoint ? [`Checkpoint   ${checkpoint.size} records, root ${checkpoint.root_hash}`] : []),
  ...checks.map(({ name, ok: holds, detail }) => `${holds ? 'ok  ' : 'FAIL'}  ${name}: ${detail}`),
  ...notes.map((note) => `note  ${note}`),
  ok ? 'Verified: everything holds.' : 'NOT verified.',
]
