import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, inject } from 'vitest'
import type { z } from 'zod'
import { ENDPOINTS } from '@/lib/contract/all'
import { type Endpoint, pathNames } from '@/lib/contract/endpoint'
import { AppError, problemResponse } from '@/lib/errors'
import type { Io } from './io'
import { runCli } from './program'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the bundled program is, and what Node compiled of it (cli/vitest-program.ts). */
    kt: { bin: string; compileCache: string }
  }
}

type Ran = { code: number | null; stdout: string; stderr: string }
type RunOptions = { env?: Record<string, string>; input?: string; cwd?: string }

export type Bench = {
  /** An empty directory that is HOME, XDG_CONFIG_HOME and working directory of every run. */
  home: string
  /** Has `kt` in it and nothing else. */
  bin: string
  /** The environment of a run: nothing of ours leaks in. */
  env: (extra?: Record<string, string>) => NodeJS.ProcessEnv
  /** Runs one command line to its end, in this process, which costs a tenth. Standard input is not a terminal. */
  kt: (args: string[], options?: RunOptions) => Promise<Ran>
  /** The same with the bundled program, for what only a process of its own has. */
  bundled: (args: string[], options?: RunOptions) => Promise<Ran>
  start: (args: string[], options?: RunOptions) => ChildProcessWithoutNullStreams
}

/** The bundled kt, as it ships, on a PATH, with a home of its own for each test file. */
export function bundledKt(): Bench {
  const { bin, compileCache } = inject('kt')
  const bench: Bench = {
    home: '',
    bin,
    env: (extra = {}) => ({
      NODE_ENV: 'production',
      PATH: [bench.bin, dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
      HOME: bench.home,
      XDG_CONFIG_HOME: join(bench.home, 'config'),
      NODE_COMPILE_CACHE: compileCache,
      ...extra,
    }),
    start: (args, { env, cwd } = {}) =>
      spawn(join(bench.bin, 'kt'), args, { env: bench.env(env), cwd: cwd ?? bench.home }),
    async kt(args, { env, input, cwd } = {}) {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
      stdin.end(input ?? '')
      const said = Promise.all([readAll(stdout), readAll(stderr)])
      const before = process.cwd()
      process.chdir(cwd ?? bench.home)
      const code = await runCli(args, { stdin, stdout, stderr, env: bench.env(env) }).finally(() => {
        process.chdir(before)
        stdout.end()
        stderr.end()
      })
      const [out, err] = await said
      return { code, stdout: out, stderr: err }
    },
    async bundled(args, options = {}) {
      const child = bench.start(args, options)
      child.stdin.on('error', () => undefined) // it may end without reading
      child.stdin.end(options.input ?? '')
      const [stdout, stderr, code] = await Promise.all([
        readAll(child.stdout),
        readAll(child.stderr),
        new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject)),
      ])
      return { code, stdout, stderr }
    },
  }
  beforeAll(async () => {
    bench.home = await mkdtemp(join(tmpdir(), 'kt-home-'))
  })
  afterAll(() => rm(bench.home, { recursive: true, force: true }))
  return bench
}

/** A terminal with somebody at it, who answers each question that contains a key with its value. */
export function terminal(answers: Record<string, string>, env: Io['env']): { io: Io; screen: () => string } {
  const open = () => Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, setRawMode: () => undefined })
  const [stdin, stdout, stderr] = [open(), open(), open()]
  let screen = ''
  for (const stream of [stdout, stderr]) {
    stream.on('data', (text: string) => {
      screen += text
      const reply = Object.entries(answers).find(([question]) => text.includes(question))?.[1]
      if (reply !== undefined) setImmediate(() => stdin.write(reply))
    })
  }
  return { io: { stdin, stdout, stderr, env }, screen: () => screen }
}

type Answer<E extends Endpoint> = z.input<E['output']> | AsyncIterable<{ id: string; data: z.input<E['output']> }>
type Handler = (input: Record<string, unknown>, request: IncomingMessage) => unknown

export type ContractServer = {
  url: string
  /** Everything that was asked, in order: `tokens.create` and its input. */
  asked: { name: string; input: Record<string, unknown>; headers: IncomingMessage['headers'] }[]
  /** Says how an endpoint answers. An async iterable is sent as server-sent events; a thrown AppError as a problem. */
  on: <E extends Endpoint>(
    endpoint: E,
    answer: (input: z.output<E['input']>, request: IncomingMessage) => Answer<E> | Promise<Answer<E>>,
  ) => void
}

/**
 * An HTTP server on a free port that speaks the contract and nothing else: inputs are checked as the control plane does,
 * answers too, so a test cannot describe a control plane that cannot exist. Each test begins with one that knows nothing.
 */
export function contractServer(): ContractServer {
  const handlers = new Map<string, Handler>()
  const self: ContractServer = {
    url: '',
    asked: [],
    on: (endpoint, answer) => void handlers.set(endpoint.name, answer as Handler),
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => sendProblem(response, thrown))
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (url.pathname === '/healthz' || url.pathname === '/readyz' || url.pathname === '/health') {
      response.end('{}')
      return
    }
    const matched = match(request.method ?? '', url.pathname)
    if (!matched) throw new AppError('not_found', 'There is no such path.')
    const { endpoint, params } = matched
    const body = ['GET', 'DELETE'].includes(endpoint.method)
      ? Object.fromEntries(url.searchParams)
      : JSON.parse(await readAll(request))
    const parsed = endpoint.input.safeParse({ ...body, ...params })
    if (!parsed.success) {
      const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
      throw new AppError('invalid_request', 'The input does not fit.', { errors })
    }
    self.asked.push({ name: endpoint.name, input: parsed.data, headers: request.headers })
    const handler = handlers.get(endpoint.name)
    if (!handler) throw new AppError('not_found', `Nothing answers ${endpoint.name}.`)
    const value = await handler(parsed.data, request)
    if (endpoint.answers === 'events')
      return sendStream(response, endpoint, value as AsyncIterable<{ id: string; data: unknown }>)
    if (endpoint.answers === 'file') {
      const content = Buffer.from(value as string)
      const etag = `"${createHash('sha256').update(content).digest('hex')}"`
      response.writeHead(endpoint.status, { 'content-disposition': 'attachment; filename="file.bin"', etag })
      return void response.end(content)
    }
    response.writeHead(endpoint.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(endpoint.output.parse(value)))
  }

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    self.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    handlers.clear()
    self.asked.length = 0
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return self
}

function match(method: string, pathname: string) {
  for (const endpoint of ENDPOINTS) {
    const pattern = new RegExp(`^${endpoint.path.replace(/:(\w+)/g, '([^/]+)')}$`)
    const found = endpoint.method === method ? pattern.exec(pathname) : null
    if (!found) continue
    const params = Object.fromEntries(
      pathNames(endpoint.path).map((name, i) => [name, decodeURIComponent(found[i + 1] ?? '')]),
    )
    return { endpoint, params }
  }
  return null
}

async function sendStream(
  response: ServerResponse,
  endpoint: Endpoint,
  frames: AsyncIterable<{ id: string; data: unknown }>,
) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  for await (const { id, data } of frames) {
    response.write(`id: ${id}\ndata: ${JSON.stringify(endpoint.output.parse(data))}\n\n`)
  }
  response.end()
}

async function sendProblem(response: ServerResponse, thrown: unknown): Promise<void> {
  if (response.headersSent) return void response.destroy()
  const error = thrown instanceof AppError ? thrown : new AppError('internal', String(thrown))
  const problem = problemResponse(error, 'req_test')
  response.writeHead(problem.status, Object.fromEntries(problem.headers)).end(await problem.text())
}
