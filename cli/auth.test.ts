import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { sessions } from '@/lib/contract/sessions'
import { whoami } from '@/lib/contract/whoami'
import { AppError } from '@/lib/errors'
import { runCli } from './program'
import { bundledKt, contractServer, terminal } from './testing'

const bench = bundledKt()
const server = contractServer()
const elsewhere = contractServer()

const SESSION = 'kt_st_session_secret'
const file = () => join(bench.home, 'config', 'keeptrusts', 'credentials.json')
const at = (url = server.url) => ({ env: { KEEPTRUSTS_API_URL: url } })
const login = (kt = bench.kt) =>
  kt(['auth', 'login', '--email', 'ada@example.com', '--password-stdin'], { ...at(), input: 'correct horse\n' })

beforeEach(() => {
  for (const one of [server, elsewhere]) {
    one.on(sessions.create, ({ email, password }) => {
      if (password !== 'correct horse') throw new AppError('sign_in_failed', 'E-mail address or password is wrong.')
      const example = sessions.create.example.output as {
        session: never
        user: { id: string; name: string; role_id: never }
      }
      return { ...example, session_token: SESSION, user: { ...example.user, email } }
    })
    one.on(sessions.revoke, () => ({ revoked: true as const }))
    one.on(whoami.get, () => whoami.get.example.output as never)
  }
})

test('signing in keeps the session in a file for nobody else, and never shows it', async () => {
  const ran = await login(bench.bundled)

  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('as ada@example.com') })
  expect(ran.stdout + ran.stderr).not.toContain(SESSION)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(file(), 'utf8'))).toMatchObject({ api_url: server.url, session_token: SESSION })
})

test('a file that others could read is closed by the next sign-in', async () => {
  await login()
  await chmod(file(), 0o644)
  await login()

  expect((await stat(file())).mode & 0o777).toBe(0o600)
})

test('commands use the session, also without the address of its control plane', async () => {
  await login()

  const ran = await bench.kt(['auth', 'whoami'])

  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('Permissions: events:read') })
  expect(server.asked.at(-1)?.headers.authorization).toBe(`Bearer ${SESSION}`)
})

test('the session is sent to no other control plane', async () => {
  await login()

  const ran = await bench.kt(['auth', 'whoami'], at(elsewhere.url))

  expect(ran).toMatchObject({ code: 4, stderr: expect.stringContaining(`the stored session is for ${server.url}`) })
  expect(elsewhere.asked).toEqual([])
})

test('an access key in the environment comes before the session, under both its names', async () => {
  await login()

  await bench.kt(['auth', 'whoami'], { env: { ...at().env, KEEPTRUSTS_API_TOKEN: 'kt_ak_one' } })
  await bench.kt(['auth', 'whoami'], { env: { ...at().env, KEEPTRUSTS_TOKEN: 'kt_ak_two' } })

  expect(server.asked.slice(-2).map(({ headers }) => headers.authorization)).toEqual([
    'Bearer kt_ak_one',
    'Bearer kt_ak_two',
  ])
})

test('a wrong password stores nothing', async () => {
  await bench.kt(['auth', 'logout'], at())
  const ran = await bench.kt(['auth', 'login', '--email', 'ada@example.com', '--password-stdin'], {
    ...at(),
    input: 'wrong',
  })

  expect(ran).toMatchObject({ code: 4, stderr: expect.stringContaining('E-mail address or password is wrong.') })
  await expect(stat(file())).rejects.toThrow('ENOENT')
})

test('signing out ends the session at the server and here', async () => {
  await login()

  const ran = await bench.kt(['auth', 'logout'], at())

  expect(ran).toMatchObject({ code: 0, stdout: `Signed out of ${server.url}.\n` })
  expect(server.asked.at(-1)).toMatchObject({ name: 'sessions.revoke', input: { id: 'current' } })
  await expect(stat(file())).rejects.toThrow('ENOENT')
  expect(await bench.kt(['auth', 'logout'], at())).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Not signed in'),
  })
})

test('signing out works for a session that has ended already', async () => {
  await login()
  server.on(sessions.revoke, () => {
    throw new AppError('session_expired', 'The session has ended.')
  })

  expect(await bench.kt(['auth', 'logout'], at())).toMatchObject({ code: 0 })
  await expect(stat(file())).rejects.toThrow('ENOENT')
})

test('signing out while the server is away deletes the session here and says that it lives on there', async () => {
  await login()
  server.on(sessions.revoke, () => {
    throw new AppError('unavailable', 'The database is away.')
  })

  expect(await bench.kt(['auth', 'logout'], at())).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('lives on at the server'),
  })
  await expect(stat(file())).rejects.toThrow('ENOENT')
})

test('a damaged file is named, not guessed at, and signing in replaces it', async () => {
  await login()
  await writeFile(file(), '{"api_url": 1')

  expect(await bench.kt(['auth', 'whoami'], at())).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${file()} is damaged`),
  })
  expect(await login()).toMatchObject({ code: 0 })
})

test('without a terminal it says what to pass', async () => {
  expect(await bench.kt(['auth', 'login'], at())).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--password-stdin'),
  })
})

test('on a terminal it asks, and the password is not echoed', async () => {
  const { io, screen } = terminal(
    { 'E-mail': 'ada@example.com\r', Password: 'correct horse\r' },
    { HOME: bench.home, XDG_CONFIG_HOME: join(bench.home, 'terminal') },
  )

  expect(await runCli(['auth', 'login', '--api-url', server.url], io)).toBe(0)
  expect(server.asked).toMatchObject([
    { name: 'sessions.create', input: { email: 'ada@example.com', password: 'correct horse' } },
  ])
  expect(screen()).toContain('Signed in')
  expect(screen()).not.toContain('horse')
})

test('Ctrl-C at the password ends it with 130', async () => {
  const { io } = terminal({ Password: '\u0003' }, { HOME: bench.home })

  expect(await runCli(['auth', 'login', '--email', 'ada@example.com', '--api-url', server.url], io)).toBe(130)
  expect(server.asked).toEqual([])
})
