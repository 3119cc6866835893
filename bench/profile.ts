import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChainName } from './gateway/chains'
import { flameGraph } from './gateway/flame-graph'
import { requestOf } from './gateway/requests'
import { type Stack, stacksOf } from './gateway/stacks'
import { LOAD_CORE, Systems } from './gateway/systems'
import { wrk } from './gateway/throughput'
import { mainThreadMs, pinSelf, stopAll } from './processes'

const SECONDS = 6
const WARM_UP_SECONDS = 3
const SAMPLE_US = 250
const ROWS = 40

/**
 * Where the main thread of the gateway spends its time under full load: a picture per chain in docs/images, and tables of
 * the widest functions. What was waited for a core is taken out by the CPU time that the kernel counted. `npm run bench -- profile`
 */
export async function benchProfile(): Promise<string> {
  await pinSelf(LOAD_CORE)
  const scratch = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-'))
  try {
    const systems = await Systems.begin(scratch)
    const lines = ['## CPU profiles']
    for (const chain of ['empty', 'starter'] as const) lines.push(...(await profile(systems, scratch, chain)))
    return lines.join('\n')
  } finally {
    await stopAll()
    await rm(scratch, { recursive: true, force: true })
  }
}

async function profile(systems: Systems, scratch: string, chain: ChainName): Promise<string[]> {
  const directory = join(scratch, `profile-${chain}`)
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-interval=${SAMPLE_US}`]
  const { system, child } = await systems.startKeeptrusts({ chain, nodeArgs }, `profile ${chain}`)
  const bodyFile = join(scratch, 'profile-body.json')
  await writeFile(bodyFile, requestOf('json', 2_048))
  await wrk(system, bodyFile, WARM_UP_SECONDS)
  const fromUs = nowUs()
  const cpuBefore = mainThreadMs(child.pid)
  const { requests } = await wrk(system, bodyFile, SECONDS)
  const untilUs = nowUs()
  const usPerRequest = ((mainThreadMs(child.pid) - cpuBefore) * 1_000) / requests
  await child.stop()
  const [file] = await readdir(directory)
  if (!file) throw new Error('The gateway wrote no profile.')
  const cpuProfile = JSON.parse(await readFile(join(directory, file), 'utf8'))
  const sourceMap = JSON.parse(await readFile('dist/kt.mjs.map', 'utf8'))
  const stacks = stacksOf(cpuProfile, sourceMap, { fromUs, untilUs })
  const title = `Keeptrusts, ${chain} chain, 2 KB prompts, 64 connections, one core`
  await writeFile(`docs/images/hot-path-${chain}.svg`, flameGraph(title, stacks, usPerRequest))
  return [
    '',
    `### ${title}`,
    '',
    `${usPerRequest.toFixed(0)} us of the main thread per request; helper threads (disk, garbage collection) come on top.`,
    '',
    ...table('by itself', stacks, usPerRequest, (frames) => [innermost(frames)]),
    '',
    ...table('with all that it calls', stacks, usPerRequest, (frames) => [...new Set(frames.filter(isOurs))]),
  ]
}

const isOurs = (frame: string) =>
  /^\S+ (?:gateway|lib|cli)\//.test(frame) || /^\(anonymous\) (?:gateway|lib|cli)\//.test(frame)

/** With whoever of ours called it, when it is not ours itself. */
function innermost(frames: readonly string[]): string {
  const last = frames.at(-1) ?? ''
  if (isOurs(last)) return last
  const caller = frames.findLast(isOurs)
  const name = last.length > 70 ? `${last.slice(0, 69)}…` : last
  return (caller ? `${name} < ${caller}` : name).replaceAll('|', '\\|')
}

/** The clock of V8's profiles. */
const nowUs = () => Number(process.hrtime.bigint() / 1_000n)

function table(what: string, stacks: readonly Stack[], usPerRequest: number, countOf: (frames: string[]) => string[]) {
  const total = stacks.reduce((sum, { us }) => sum + us, 0)
  const sums = new Map<string, number>()
  for (const { frames, us } of stacks) for (const frame of countOf(frames)) sums.set(frame, (sums.get(frame) ?? 0) + us)
  const rows = [...sums].sort(([, a], [, b]) => b - a).slice(0, ROWS)
  return [
    `| function, ${what} | of the busy time | us per request |`,
    '|---|--:|--:|',
    ...rows.map(
      ([frame, us]) =>
        `| ${frame} | ${((us / total) * 100).toFixed(1)} % | ${((us / total) * usPerRequest).toFixed(1)} |`,
    ),
  ]
}
