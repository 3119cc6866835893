import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CONFIGURATION_BYTES_MAX } from '@/lib/contract/configurations'
import { AppError } from '@/lib/errors'
import { compileConfig } from '@/lib/policy/compile'
import { TestCase } from '@/lib/policy/config/suite'
import { loadPolicies } from '@/lib/policy/load-policies'
import { type CaseResult, runCase } from '@/lib/policy/run-case'
import { WalkRefused } from '@/lib/policy/walk/walked'
import type { Kt } from './command'
import { EXIT, Exit } from './failure'
import { readConfiguration } from './policy-file'

const FILES_MAX = 2_000

type Sourced = { source: string; test: TestCase }

export async function testPolicies({ io, print }: Kt, { packDir }: { packDir: string }): Promise<void> {
  const config = await readConfiguration(io, join(packDir, 'policy-config.yaml'))
  const compiled = compileConfig(config, io.env)
  await loadPolicies(compiled)
  const inline = (config.testing?.suites ?? []).flatMap(({ name, cases }) =>
    cases.map((one) => ({ source: `testing.suites ${name}`, test: one })),
  )
  const cases = [...(await casesIn(join(packDir, 'tests'))), ...inline]
  if (cases.length === 0) {
    const message = `There are no cases: write them into ${join(packDir, 'tests')}/*.json or under testing.suites.`
    throw new AppError('invalid_request', message)
  }
  const results: { source: string; result: CaseResult }[] = []
  for (const { source, test: one } of cases) {
    try {
      results.push({ source, result: await runCase(compiled, one, Date.now()) })
    } catch (thrown) {
      if (!(thrown instanceof WalkRefused)) throw thrown
      throw new AppError('invalid_request', `${source}: the gateway refuses this request: it has ${thrown.message}.`)
    }
  }
  const failed = results.filter(({ result }) => result.problems.length > 0)
  if (print.format === 'table') {
    for (const { result } of results) print.line(lineOf(result))
    print.line(`${results.length - failed.length} passed, ${failed.length} failed`)
  } else {
    print.data({ ok: failed.length === 0, results: results.map(({ source, result }) => shown(source, result)) })
  }
  if (failed.length > 0) throw new Exit(EXIT.failed)
}

const shown = (source: string, result: CaseResult) => ({
  name: result.name,
  source,
  verdict: result.verdict,
  reason_code: result.reasonCode,
  policy: result.policy,
  passed: result.problems.length === 0,
  problems: result.problems,
  details: { policy_results: result.policyResults, flags: result.flags },
})

function lineOf({ name, verdict, reasonCode, policy, problems }: CaseResult): string {
  const mark = problems.length === 0 ? 'pass' : 'FAIL'
  const by = policy === null ? '' : ` by ${policy} (${reasonCode})`
  return [`${mark}  ${name}: ${verdict}${by}`, ...problems.map((problem) => `      ${problem}`)].join('\n')
}

/** In the order of file names. A directory that is not there has no cases. */
async function casesIn(dir: string): Promise<Sourced[]> {
  const names = await readdir(dir).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw new AppError('invalid_request', `Cannot read ${dir}: ${cause.code}.`, { cause })
  })
  const files = names.filter((name) => name.endsWith('.json')).sort()
  if (files.length > FILES_MAX) throw new AppError('invalid_request', `More than ${FILES_MAX} files in ${dir}.`)
  const read: Sourced[] = []
  for (const file of files) read.push(...(await casesOf(join(dir, file))))
  return read
}

const CaseFile = z.array(TestCase).min(1).max(1_000)

async function casesOf(path: string): Promise<Sourced[]> {
  const json = await jsonOf(path)
  const parsed = CaseFile.safeParse(Array.isArray(json) ? json : [json])
  if (parsed.success) return parsed.data.map((one) => ({ source: path, test: one }))
  throw new AppError('invalid_request', `${path} is no test case.`, {
    cause: parsed.error,
    errors: parsed.error.issues.map((issue) => ({ path: issue.path.slice(1).join('.'), message: issue.message })),
  })
}

async function jsonOf(path: string): Promise<unknown> {
  try {
    if ((await stat(path)).size > CONFIGURATION_BYTES_MAX) throw new Error('larger than 1 MiB')
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('invalid_request', `Cannot read ${path}: ${reason}.`, { cause })
  }
}
