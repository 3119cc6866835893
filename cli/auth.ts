import type { Command } from 'commander'
import { createClient } from '@/lib/client'
import { sessions } from '@/lib/contract/sessions'
import { whoami } from '@/lib/contract/whoami'
import { AppError } from '@/lib/errors'
import { addCommand, type Kt } from './command'
import { openConnection, requestHeaders, resolveApiUrl } from './connection'
import { deleteCredentials, readCredentials, writeCredentials } from './credentials'
import type { Io } from './io'
import { ask, askSecret, isInteractive, readStdin } from './prompt'
import { toSeconds } from './text'
import { addTokenCommands } from './tokens'

type LoginOptions = { email?: string; passwordStdin?: boolean }

export function addAuthCommands(io: Io, program: Command): void {
  const auth = program.command('auth').description('Sign in and manage access keys')

  addCommand<LoginOptions>(io, auth, {
    name: 'login',
    summary: 'Sign in with e-mail address and password',
    setUp: (command) =>
      command
        .option('--email <address>', 'asked for when absent')
        .option('--password-stdin', 'read the password from standard input'),
    run: login,
  })
  addCommand(io, auth, { name: 'logout', summary: 'End the stored session', run: logout })
  addCommand(io, auth, { name: 'whoami', summary: 'Show who you are and what you may do', run: showWhoami })

  const token = auth.command('token').description('Access keys for automation')
  addTokenCommands(io, token, { only: ['create', 'list', 'revoke'], tokenType: 'access' })
}

async function login(kt: Kt, { email, passwordStdin }: LoginOptions): Promise<void> {
  const { io, print } = kt
  // A file that cannot be read is about to be replaced, so it need not stand in the way.
  const apiUrl = resolveApiUrl(io.env, kt.apiUrl, await readCredentials(io.env).catch(() => null))
  const client = createClient({ baseUrl: apiUrl, headers: requestHeaders(undefined) })
  if (!isInteractive(io) && !(email && passwordStdin)) {
    throw new AppError('invalid_request', 'There is no terminal to ask on: pass --email and --password-stdin.')
  }
  const address = email ?? (await ask(io, `E-mail address for ${apiUrl}: `))
  const password = passwordStdin ? await readStdin(io) : await askSecret(io, 'Password: ')
  const { session_token, session, user } = await client(sessions.create, { email: address, password })
  await writeCredentials(io.env, {
    api_url: apiUrl,
    session_token,
    email: user.email,
    expires_at: session.absolute_expires_at,
  })
  print.record({ api_url: apiUrl, user, expires_at: session.absolute_expires_at }, [
    `Signed in to ${apiUrl} as ${user.email} (${user.role_id}).`,
    `The session ends ${toSeconds(session.absolute_expires_at)}, or earlier when it is not used.`,
  ])
  if (io.env.KEEPTRUSTS_API_TOKEN || io.env.KEEPTRUSTS_TOKEN) {
    io.stderr.write('KEEPTRUSTS_API_TOKEN is set and takes precedence over this session.\n')
  }
}

/** The local copy goes in any case: someone who signs out must not stay signed in because a server is away. */
async function logout({ io, print, apiUrl: flag }: Kt): Promise<void> {
  const environment = { ...io.env, KEEPTRUSTS_API_TOKEN: '', KEEPTRUSTS_TOKEN: '' }
  const { client, apiUrl, tokenSource, signedInTo } = await openConnection({ ...io, env: environment }, flag)
  if (tokenSource === 'none') {
    const elsewhere = signedInTo ? ` The stored session is for ${signedInTo}: add --api-url ${signedInTo}.` : ''
    return print.record({ signed_out: false }, [`Not signed in to ${apiUrl}.${elsewhere}`])
  }
  await deleteCredentials(io.env)
  try {
    await client(sessions.revoke, { id: 'current' })
  } catch (thrown) {
    const hasEnded = thrown instanceof AppError && thrown.status === 401
    if (!hasEnded) {
      io.stderr.write('The stored session is deleted here, but it lives on at the server until it expires.\n')
      throw thrown
    }
  }
  print.record({ signed_out: true }, [`Signed out of ${apiUrl}.`])
}

async function showWhoami({ api, print }: Kt): Promise<void> {
  const call = await api()
  const me = await call(whoami.get, {})
  print.record(me, [
    `Name: ${me.actor.name}${me.actor.email ? ` <${me.actor.email}>` : ''}`,
    `Type: ${me.actor.type === 'user' ? 'user' : 'access key'} (${me.actor.id})`,
    `Organization: ${me.organization.name} (${me.organization.id})`,
    `Role: ${me.role_id ?? 'none'}`,
    `Scope: ${me.scope}${me.team_id ? ` (${me.team_id})` : ''}`,
    `Permissions: ${me.permissions.join(', ') || 'none'}`,
  ])
}
