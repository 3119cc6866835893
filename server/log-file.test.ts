import { symlinkSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LogFile } from './log-file'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keeptrusts-log-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Every write to it fails with ENOSPC. Linux has it. */
const FULL = '/dev/full'

test.skipIf(process.platform !== 'linux')('a disk without room ends nobody', () => {
  const path = join(directory, 'full.log')
  symlinkSync(FULL, path)
  const log = new LogFile(path)
  expect(() => log.write(Buffer.from('lost\n'))).not.toThrow()
  log.close()
})

describe('a log of 16 MiB', () => {
  const MiB = Buffer.alloc(1_048_576, 'x')

  test('begins a new file and keeps the one before', async () => {
    const path = join(directory, 'large.log')
    const log = new LogFile(path)
    for (let i = 0; i < 17; i++) log.write(MiB)
    log.write(Buffer.from('\nlast\n'))
    expect(log.tail(1)).toBe('last')
    expect((await readFile(`${path}.1`)).length).toBe(16 * MiB.length)
    log.close()
  })

  test('that cannot begin a new file says how much it lost once it can', async () => {
    const path = join(directory, 'away', 'a.log')
    const log = await inOwnDirectory(path)
    for (let i = 0; i < 16; i++) log.write(MiB)
    await rename(join(directory, 'away'), join(directory, 'gone'))
    log.write(Buffer.from('lost\n'))
    await rename(join(directory, 'gone'), join(directory, 'away'))
    log.write(Buffer.from('kept\n'))
    expect(log.tail(2)).toBe('[5 bytes of this log could not be written]\nkept')
    log.close()
  })
})

async function inOwnDirectory(path: string): Promise<LogFile> {
  await mkdir(join(path, '..'))
  return new LogFile(path)
}
