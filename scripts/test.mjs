// `npm test`: everything that a change must pass, in two phases of two lanes each. Tests wait for timers, sockets and disks
// about a third of their time, which is when the other lane works. Every step is run that can be, so that one run tells
// everything that is wrong; it ends with 1 when any has failed.
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const bin = (name) => join(ROOT, 'node_modules', '.bin', name)

const vitest = (project) => [bin('vitest'), 'run', '--project', project]

const PHASES = [
  // Tests that kill processes and fill memory have the last part of this phase for themselves.
  [
    [{ name: 'Tests of processes', command: vitest('!shared process'), isLong: true }],
    [
      { name: 'Build', command: [process.execPath, 'scripts/bootstrap.mjs', 'build'], isNeeded: true },
      { name: 'Lint', command: [bin('biome'), 'ci', '.'] },
      // Reads what the build has written about pages.
      { name: 'Types', command: [bin('tsc'), '--noEmit', '--checkers', '2'] },
      { name: 'Unused code', command: [bin('knip')] },
    ],
  ],
  [
    [{ name: 'Tests', command: vitest('shared process'), isLong: true }],
    [
      { name: 'Python client', command: [process.execPath, 'scripts/test-python-client.mjs'] },
      { name: 'Browser tests', command: [bin('playwright'), 'test'], isLong: true },
    ],
  ],
]

const running = new Set()
let isStopped = false
/** How much of what a long step said is said again when it has failed: where its runner names the tests, not the whole. */
const LAST_WORDS = 8_000

/** The long step whose words are printed as they come; those of another wait until it has ended. */
let speaker
const waiting = []

/** Undefined when it succeeded, otherwise its last words as far as they are worth repeating. */
async function run({ name, command, isLong = false }) {
  const startedAt = Date.now()
  const [program, ...args] = command
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const voice = { said: [], hasEnded: false }
  let lastWords = ''
  const hear = (chunk) => {
    if (isLong) lastWords = `${lastWords}${chunk}`.slice(-LAST_WORDS)
    if (voice === speaker) process.stdout.write(chunk)
    else voice.said.push(chunk)
  }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear)
  if (isLong) {
    hear(`== ${name} ==\n`)
    waiting.push(voice)
    letSpeak()
  }
  const status = await new Promise((done) => {
    child.once('error', (error) => {
      hear(`${error.message}\n`)
      done(1)
    })
    child.once('close', (code) => done(code ?? 1))
  })
  running.delete(child)
  voice.hasEnded = true
  if (isLong) letSpeak()
  else {
    const verdict = `== ${name}: ${status === 0 ? 'passed' : 'failed'} in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s ==\n`
    for (const words of [verdict, ...voice.said]) process.stdout.write(words)
  }
  return status === 0 ? undefined : lastWords
}

/** The next long step is heard once the one before has ended. */
function letSpeak() {
  while (speaker === undefined || speaker.hasEnded) {
    speaker = waiting.shift()
    if (speaker === undefined) return
    for (const words of speaker.said.splice(0)) process.stdout.write(words)
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    isStopped = true
    for (const child of running) child.kill(signal)
  })
}

const failed = []

async function runLane(steps) {
  for (const step of steps) {
    if (isStopped) return
    const lastWords = await run(step)
    if (lastWords === undefined) continue
    failed.push({ ...step, lastWords })
    if (step.isNeeded) return
  }
}

for (const lanes of PHASES) {
  await Promise.all(lanes.map(runLane))
  if (failed.some(({ isNeeded }) => isNeeded)) break
}
if (failed.length > 0) {
  // Said again at the end: the beginning of a long output is what is cut off, or scrolled away.
  for (const { name, lastWords } of failed) {
    if (lastWords !== '') process.stderr.write(`== ${name}: its last words ==\n${lastWords}\n`)
  }
  process.stderr.write(`Failed: ${failed.map(({ name }) => name).join(', ')}.\n`)
  process.exitCode = 1
}
