import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const BOOTSTRAP = join(import.meta.dirname, 'bootstrap.mjs')

test.each([
  ['PORT', 'abc'],
  ['PORT', '80000'],
  ['PORT', '3.5'],
  ['KEEPTRUSTS_GATEWAY_PORT', '-1'],
])('a start with %s=%s ends with one sentence, before anything is installed', (variable, value) => {
  const env = { ...process.env, KEEPTRUSTS_DATA_DIR: join(tmpdir(), 'keeptrusts-none'), [variable]: value }
  const { status, stderr } = spawnSync(process.execPath, [BOOTSTRAP, 'start'], { env, encoding: 'utf8' })

  expect([status, stderr]).toEqual([1, `${variable} must be a port from 1 to 65535, not "${value}".\n`])
})
