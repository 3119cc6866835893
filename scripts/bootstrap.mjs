// Runs before `npm start` and `npm test`, under whatever Node npm itself runs on (18 or newer) and with nothing
// installed: installs what the lockfile names, builds what has changed, and says in one sentence what stands in the way.
// `test` installs only: scripts/test.mjs builds beside the tests.
//
//   node scripts/bootstrap.mjs start | test | build
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const MODULES = join(ROOT, 'node_modules')
const INSTALL_STAMP = join(MODULES, '.keeptrusts-install')
const NODE = join(MODULES, '.bin', 'node')
const FREE_BYTES_MIN = 1_073_741_824
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']
const NODE_MAJOR_MIN = 18

/** A reason not to go on, in one sentence that says what to do. */
class Obstacle extends Error {}

const PROGRAMS = {
  name: 'programs',
  stamp: join(ROOT, 'dist', '.build'),
  sources: [
    'cli',
    'control-plane',
    'drizzle',
    'gateway',
    'lib',
    'server',
    'scripts/build.mjs',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ],
  outputs: ['dist/start.mjs', 'dist/console.mjs', 'dist/kt.mjs', 'dist/parent-watch.mjs'],
  command: ['scripts/build.mjs'],
}
const PAGES = {
  name: 'console pages',
  stamp: join(ROOT, '.next', '.build'),
  sources: [
    'app',
    'components',
    'lib',
    'public',
    'next.config.mjs',
    'postcss.config.mjs',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ],
  outputs: ['.next/BUILD_ID'],
  command: ['node_modules/next/dist/bin/next', 'build'],
}

async function main(purpose) {
  if (!['start', 'test', 'build'].includes(purpose))
    throw new Obstacle('Usage: node scripts/bootstrap.mjs start | test | build')
  checkNode()
  checkPlatform()
  if (purpose === 'start') {
    refuseWhileRunning()
    await checkPorts()
  }
  const release = await beAlone()
  try {
    // Of `npm test`, building is a step that others need not wait for.
    if (purpose === 'test') return await together(install(), installTestPrograms())
    await install()
    await together(...[PROGRAMS, PAGES].map((part) => build(part)))
  } finally {
    release()
  }
}

function checkNode() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < NODE_MAJOR_MIN) {
    throw new Obstacle(
      `Node ${process.versions.node} is too old to install Keeptrusts: use any Node from ${NODE_MAJOR_MIN} on; the one it runs on is installed with it.`,
    )
  }
}

function checkPlatform() {
  const platform = `${process.platform}-${process.arch}`
  if (process.platform === 'win32')
    throw new Obstacle('Keeptrusts does not run on Windows itself: use the Windows Subsystem for Linux.')
  if (!PLATFORMS.includes(platform)) {
    throw new Obstacle(
      `Keeptrusts does not run on ${platform}: there are no programs for it among ${PLATFORMS.join(', ')}.`,
    )
  }
  const isMusl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime
  if (isMusl)
    throw new Obstacle('Keeptrusts needs a Linux with glibc, such as Debian: its programs do not run on musl (Alpine).')
}

function checkSpace() {
  const { bavail, bsize } = statfsSync(ROOT)
  if (bavail * bsize >= FREE_BYTES_MIN) return
  throw new Obstacle(
    `Only ${Math.floor((bavail * bsize) / 1_048_576)} MiB are free at ${ROOT}, and 1024 are needed to install and build: make room.`,
  )
}

/** Building under a running server would pull the files from under it. server/data-lock.ts is the lock itself. */
function refuseWhileRunning() {
  const directory = resolve(process.env.KEEPTRUSTS_DATA_DIR || '.keeptrusts')
  const holder = readJson(join(directory, 'lock'))
  if (!holder || !existsSync(`/proc/${holder.pid}/stat`)) return
  const started = readFileSync(`/proc/${holder.pid}/stat`, 'utf8').split(') ').at(-1).split(' ')[19]
  if (!holder.identity.endsWith(`:${started}`)) return
  throw new Obstacle(
    `${directory} is in use by process ${holder.pid}, running since ${holder.since} at ${holder.url}: stop that one, or start this one with another KEEPTRUSTS_DATA_DIR.`,
  )
}

/** Said before minutes of installing rather than after. Processes of a killed start may still hold a port for a while. */
async function checkPorts() {
  const wishes = [
    { name: 'console', variable: 'PORT', port: Number(process.env.PORT || 3_000), host: undefined },
    {
      name: 'gateway',
      variable: 'KEEPTRUSTS_GATEWAY_PORT',
      port: Number(process.env.KEEPTRUSTS_GATEWAY_PORT || 41_002),
      host: '0.0.0.0',
    },
  ]
  for (const { variable, port } of wishes) {
    if (Number.isInteger(port) && port >= 1 && port <= 65_535) continue
    throw new Obstacle(`${variable} must be a port from 1 to 65535, not "${process.env[variable]}".`)
  }
  for (const { name, variable, port, host } of wishes) {
    const deadline = Date.now() + 3_000
    while (!(await isFree(port, host))) {
      if (Date.now() > deadline) {
        throw new Obstacle(
          `Port ${port}, which the ${name} needs, is taken by another program: stop that one, or choose another port, such as ${variable}=${port + 1} npm start.`,
        )
      }
      await pause(200)
    }
  }
}

const isFree = (port, host) =>
  new Promise((done) => {
    const server = createServer()
    // What else may be wrong with a port is said by the start itself.
    server.once('error', (error) => done(error.code !== 'EADDRINUSE'))
    server.listen({ port, host, exclusive: true }, () => server.close(() => done(true)))
  })

/** Two at once in one folder would undo each other's installation. */
async function beAlone() {
  const lock = join(ROOT, '.bootstrap.lock')
  for (let said = false; ; said = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return () => rmSync(lock, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const other = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : 0)
    if (other === 0 || !isAlive(other)) {
      // Its owner was killed; one written this moment may still be empty.
      await pause(200)
      if (!existsSync(lock) || Number(readFileSync(lock, 'utf8')) === other) rmSync(lock, { force: true })
      continue
    }
    if (!said) console.log(`Waiting for process ${other}, which installs or builds in this folder.`)
    await pause(500)
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

async function install() {
  const wanted = hashOf(['package-lock.json'], `${process.platform}-${process.arch}`)
  if (readText(INSTALL_STAMP) === wanted && works()) return
  if (!isInstalled()) {
    checkSpace()
    const reason = !existsSync(MODULES)
      ? 'first time'
      : existsSync(INSTALL_STAMP)
        ? 'the lockfile changed'
        : 'an earlier installation is incomplete'
    const startedAt = Date.now()
    console.log(`Installing packages (${reason}) ...`)
    // npm ci empties node_modules first, so a stamp never survives an installation that was cut off.
    const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm']
    const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
    const { status, output } = await run([...npm, ...args], { ...process.env, NODE_ENV: '' })
    if (status !== 0) {
      process.stderr.write(output)
      throw new Obstacle(
        'Packages could not be installed, for the reason npm gives above: see to it, then run the same command again.',
      )
    }
    if (!works())
      throw new Obstacle(
        'Packages were installed, but the Node that comes with them does not run: does npm run install scripts (ignore-scripts=false)?',
      )
    console.log(`Packages installed in ${seconds(startedAt)}.`)
  }
  writeFileSync(INSTALL_STAMP, wanted)
}

/** What tests drive and npm does not bring is fetched while npm works. */
function installTestPrograms() {
  const setup = spawn(process.execPath, [join(ROOT, 'scripts', 'test-setup.mjs')], { cwd: ROOT, stdio: 'inherit' })
  return new Promise((done, fail) => {
    setup.once('error', fail)
    setup.once('close', (status) => (status === 0 ? done() : fail(new Obstacle('The tests cannot run without them.'))))
  })
}

/** Whether what npm says it has installed is what the lockfile names, whoever installed it. */
function isInstalled() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages
  const found = readJson(join(MODULES, '.package-lock.json'))?.packages
  if (!wanted || !found) return false
  const differs = Object.entries(wanted).some(
    ([path, { version, optional }]) => path !== '' && (found[path] ? found[path].version !== version : !optional),
  )
  return !differs && works()
}

/** Install scripts come last, so an installation whose Node runs was not cut off. */
const works = () => existsSync(NODE) && spawnSync(NODE, ['--version']).status === 0

async function build({ name, stamp, sources, outputs, command }) {
  const wanted = hashOf(sources, '')
  if (readText(stamp) === wanted && outputs.every((output) => existsSync(join(ROOT, output)))) return
  checkSpace()
  const startedAt = Date.now()
  console.log(`Building the ${name} (${existsSync(stamp) ? 'sources changed' : 'first time'}) ...`)
  rmSync(stamp, { force: true })
  const { status, output } = await run([NODE, ...command], {
    ...process.env,
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
  })
  if (status !== 0) {
    process.stderr.write(output)
    throw new Obstacle(`The ${name} could not be built, for the reason above.`)
  }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
  console.log(`The ${name} were built in ${seconds(startedAt)}.`)
}

function run([program, ...args], env) {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-65_536)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error) => done({ status: 1, output: `${error.message}\n` }))
    child.once('close', (status) => done({ status: status ?? 1, output }))
  })
}

/** SHA-256 over names and bytes of files and folders, and over `extra`. Tests are not part of what is built. */
function hashOf(paths, extra) {
  const hash = createHash('sha256').update(extra)
  const add = (path) => {
    const full = join(ROOT, path)
    if (!existsSync(full)) return
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) add(`${path}/${name}`)
    } else if (!/\.test\.tsx?$/.test(path)) {
      hash.update(`\0${path}\0`).update(readFileSync(full))
    }
  }
  for (const path of paths) add(path)
  return hash.digest('hex')
}

/** None is left at work when another has failed. */
async function together(...promises) {
  for (const { status, reason } of await Promise.allSettled(promises)) if (status === 'rejected') throw reason
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms))
const seconds = (since) => `${((Date.now() - since) / 1_000).toFixed(1)} s`
const readText = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

try {
  await main(process.argv[2] ?? '')
} catch (error) {
  console.error(error instanceof Obstacle ? error.message : error)
  process.exit(1)
}
