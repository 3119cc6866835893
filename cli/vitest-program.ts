import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

const run = promisify(execFile)

/** Bundles kt once for all test files of a run, as it ships; cli/testing.ts starts it. */
export default async function bundleKt(project: TestProject) {
  const directory = await mkdtemp(join(tmpdir(), 'kt-program-'))
  const [bin, compileCache] = [join(directory, 'bin'), join(directory, 'compiled')]
  await mkdir(bin)
  await run(process.execPath, [join(import.meta.dirname, '../scripts/build.mjs'), 'kt', '--outdir', directory])
  await symlink(join(directory, 'kt.mjs'), join(bin, 'kt'))
  // Node writes what it has compiled as it exits, and several hundred starts need not do that again.
  const PATH = [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter)
  await run(join(bin, 'kt'), ['--version'], { env: { NODE_ENV: 'production', PATH, NODE_COMPILE_CACHE: compileCache } })
  project.provide('kt', { bin, compileCache })
  return () => rm(directory, { recursive: true, force: true })
}
