import { type Command, Option } from 'commander'
import type { Client } from '@/lib/client'
import { PERMISSIONS, type Permission, ROLE_IDS, type RoleId } from '@/lib/contract/permissions'
import {
  ROTATION_GRACE_SECONDS_MAX,
  TOKEN_PURPOSES,
  TOKEN_STATUSES,
  TOKEN_TYPES,
  type Token,
  tokens,
} from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { commaList, commaListOf, duration, instantArgument, integer } from './arguments'
import { addCommand, type Kt } from './command'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import { type Column, toJson } from './print'
import { confirm, isInteractive } from './prompt'
import { cellTime, printable, toSeconds } from './text'

type TokenType = Token['token_type']
type Which = { name?: string; id?: string }
type CreateOptions = {
  type?: TokenType
  name: string
  expiresIn?: number
  expiresAt?: string
  allowedModels?: string[]
  allowedProviders?: string[]
  label?: string
  roleId?: RoleId
  permissions?: Permission[]
  scope?: 'org' | 'team'
  teamId?: string
  agentId?: string
  gatewayId?: string
  purpose?: Token['purpose']
}
type ListOptions = { type?: TokenType; status?: Token['status'] | 'live' | 'rotating'; limit: number }
type RotateOptions = Which & { grace?: number; finish?: boolean; extend?: number }

const COLUMNS: Column<Token>[] = [
  { header: 'NAME', cell: (token) => token.name },
  { header: 'TYPE', cell: (token) => token.token_type },
  { header: 'CREATED', cell: (token) => cellTime(token.created_at, '-') },
  { header: 'EXPIRES', cell: (token) => cellTime(token.expires_at, 'never') },
  { header: 'STATUS', cell: (token) => token.status },
]

const TITLE = { access: 'Access key', gateway: 'Gateway key' } as const

type Verb = 'create' | 'list' | 'inspect' | 'rotate' | 'revoke'

export function addTokensGroup(io: Io, program: Command): void {
  const group = program.command('tokens').alias('token').description('Access keys and gateway keys')
  addTokenCommands(io, group, { only: ['create', 'list', 'inspect', 'rotate', 'revoke'] })
}

/** The same commands under `kt tokens` and, for access keys only, under `kt auth token`. */
export function addTokenCommands(
  io: Io,
  group: Command,
  { only, tokenType }: { only: Verb[]; tokenType?: TokenType },
): void {
  const add: Record<Verb, () => void> = {
    create: () => addCreate(io, group, tokenType),
    list: () => addList(io, group, tokenType),
    inspect: () => addInspect(io, group),
    rotate: () => addRotate(io, group),
    revoke: () => addRevoke(io, group, tokenType),
  }
  for (const verb of only) add[verb]()
}

function addCreate(io: Io, group: Command, tokenType: TokenType | undefined): void {
  addCommand<CreateOptions>(io, group, {
    name: 'create',
    summary: 'Create a key; its secret is shown once',
    setUp: (command) => {
      if (!tokenType)
        command.addOption(new Option('--type <type>', 'what the key opens').choices(TOKEN_TYPES).makeOptionMandatory())
      command
        .requiredOption('--name <name>', 'unique among live keys')
        .addOption(
          new Option('--expires-in <duration>', 'such as 90d, 24h or 30m').argParser(duration).conflicts('expiresAt'),
        )
        .option('--expires-at <time>', 'RFC 3339', instantArgument)
        .option('--label <label>', 'a visible part of the secret, such as prod in kt_ak_prod_...')
        .addOption(new Option('--role-id <role>', 'what an access key may do').choices(ROLE_IDS))
        .option(
          '--permissions <list>',
          'what an access key may do, such as events:read,events:export',
          commaListOf(PERMISSIONS),
        )
        .addOption(new Option('--scope <scope>', 'what an access key sees').choices(['org', 'team']))
        .option('--team-id <id>', 'the team of --scope team')
        .addOption(
          new Option('--purpose <purpose>', 'gateway_runtime is for a gateway process').choices(TOKEN_PURPOSES),
        )
        .option('--gateway-id <id>', 'the gateway that a gateway_runtime key is bound to')
      if (tokenType === 'access') return command
      return command
        .option('--allowed-models <list>', 'models a gateway key may use; all when absent', commaList)
        .option('--allowed-providers <list>', 'providers a gateway key may use; all when absent', commaList)
        .option('--agent-id <id>', 'the agent that a gateway key stands for')
    },
    run: async ({ api, print }, { type, expiresIn, ...options }) => {
      const call = await api()
      const created = await call(tokens.create, {
        name: options.name,
        token_type: tokenType ?? type ?? 'access',
        purpose: options.purpose,
        label: options.label,
        scope: options.scope,
        team_id: options.teamId,
        role_id: options.roleId,
        permissions: options.permissions,
        allowed_models: options.allowedModels,
        allowed_providers: options.allowedProviders,
        agent_id: options.agentId,
        gateway_id: options.gatewayId,
        expires_at: expiresIn ? toSeconds(new Date(Date.now() + expiresIn).toISOString()) : options.expiresAt,
      })
      print.record(created, [`${TITLE[created.token.token_type]} created:`, ...secretLines(created)])
    },
  })
}

function addList(io: Io, group: Command, tokenType: TokenType | undefined): void {
  addCommand<ListOptions>(io, group, {
    name: 'list',
    summary: 'List keys, newest first',
    setUp: (command) => {
      if (!tokenType) command.addOption(new Option('--type <type>', 'only these').choices(TOKEN_TYPES))
      return command
        .addOption(new Option('--status <status>', 'only these').choices([...TOKEN_STATUSES, 'live', 'rotating']))
        .option('--limit <count>', 'at most so many', integer(1, ROWS_MAX), ROWS_MAX)
    },
    run: async ({ api, print }, { type, status, limit }) => {
      const call = await api()
      const page = await collectPages(limit, (position) =>
        call(tokens.list, { type: tokenType ?? type, status, ...position }),
      )
      print.list(page, COLUMNS, 'No keys match.')
    },
  })
}

function addInspect(io: Io, group: Command): void {
  addCommand<Which>(io, group, {
    name: 'inspect',
    summary: 'Show one key; --output json shows all of it',
    setUp: addWhich,
    run: async ({ api, print, hasFormat }, which, [id]) => {
      const token = await findToken(await api(), { id, ...which })
      if (hasFormat && print.format !== 'table') return print.data(token)
      print.line(summaryJson(token))
    },
  })
}

function addRotate(io: Io, group: Command): void {
  addCommand<RotateOptions>(io, group, {
    name: 'rotate',
    summary: 'Give a key a new secret; the old one lives on for a while',
    setUp: (command) =>
      addWhich(command)
        .option(
          '--grace <duration>',
          'how long the old secret still works (default 24h, at most 7d, 0s: not at all)',
          grace,
        )
        .addOption(new Option('--finish', 'end the old secret now; no new one is made').conflicts(['extend', 'grace']))
        .addOption(
          new Option('--extend <duration>', 'let the old secret live so long from now')
            .argParser(grace)
            .conflicts('grace'),
        ),
    run: async ({ api, print }, { grace: graceMs, finish, extend, ...which }, [id]) => {
      const call = await api()
      const token = await findToken(call, { id, ...which })
      if (finish) {
        const done = await call(tokens.finishRotation, { id: token.id })
        return print.record(done, [`The old secret of ${done.name} has ended.`])
      }
      if (extend !== undefined) {
        const longer = await call(tokens.extendRotation, { id: token.id, grace_seconds: extend / 1_000 })
        return print.record(longer, [`The old secret of ${longer.name} ends ${endOfOld(longer)}.`])
      }
      const rotated = await call(tokens.rotate, {
        id: token.id,
        grace_seconds: graceMs === undefined ? undefined : graceMs / 1_000,
      })
      print.record(rotated, [
        `${TITLE[rotated.token.token_type]} rotated:`,
        ...secretLines(rotated),
        `Old secret ends: ${endOfOld(rotated.token)}`,
      ])
    },
  })
}

function addRevoke(io: Io, group: Command, tokenType: TokenType | undefined): void {
  addCommand<Which & { yes?: boolean; reason?: string }>(io, group, {
    name: 'revoke',
    summary: 'Revoke a key: requests under way complete, new ones get 401',
    setUp: (command) =>
      addWhich(command).option('--reason <text>', 'kept in the activity log').option('--yes', 'do not ask'),
    run: async (kt, { yes, reason, ...which }, [id]) => {
      const call = await kt.api()
      const token = await findToken(call, { id, ...which }, tokenType)
      if (token.status === 'revoked') {
        return kt.print.record(token, [`${token.name} was already revoked at ${toSeconds(token.revoked_at ?? '')}.`])
      }
      if (!yes && !(await agreesToRevoke(kt, token))) throw new AppError('conflict', 'Nothing was revoked.')
      const revoked = await call(tokens.revoke, { id: token.id, reason })
      kt.print.record(revoked, [`${TITLE[revoked.token_type]} revoked: ${revoked.name}`])
    },
  })
}

/** Scripts run it as the documentation prints it, without a terminal: there nobody is asked. */
async function agreesToRevoke({ io }: Kt, token: Token): Promise<boolean> {
  if (!isInteractive(io)) return true
  const lastUsed = token.last_used_at ? `last used ${toSeconds(token.last_used_at)}` : 'never used'
  return confirm(
    io,
    `Revoke the ${token.token_type} key "${printable(token.name)}" (${lastUsed})? New requests with it get 401.`,
  )
}

const addWhich = (command: Command): Command =>
  command
    .argument('[id]', 'id of the key, such as tok_019a...')
    .option('--name <name>', 'name of the key')
    .addOption(new Option('--id <id>', 'id of the key').conflicts('name'))

/** By id, or by name: names are unique among live keys, so a live one is meant before any dead one. */
async function findToken(call: Client, { name, id }: Which, tokenType?: TokenType): Promise<Token> {
  if (id && name) throw new AppError('invalid_request', 'Say which key by --name or by id, not by both.')
  if (!id && !name) throw new AppError('invalid_request', 'Say which key: --name NAME or its id.')
  if (id) {
    const token = await call(tokens.get, { id })
    if (!tokenType || token.token_type === tokenType) return token
    throw new AppError('not_found', `${id} is not an ${tokenType} key.`)
  }
  const [live] = (await call(tokens.list, { name, type: tokenType, status: 'live', limit: 1 })).items
  const [any] = live ? [live] : (await call(tokens.list, { name, type: tokenType, limit: 1 })).items
  if (!any) {
    const kind = tokenType ? `${tokenType} key` : 'key'
    throw new AppError('not_found', `There is no ${kind} named "${name}". \`kt tokens list\` shows what there is.`)
  }
  return any
}

const secretLines = ({ key, token }: { key: string; token: Token }) => [
  `Key: ${key}`,
  `Name: ${token.name}`,
  `Expires: ${token.expires_at ? toSeconds(token.expires_at) : 'never'}`,
]

const endOfOld = ({ previous_secret }: Token) => (previous_secret ? toSeconds(previous_secret.expires_at) : 'now')

/** Milliseconds; `0s` ends the old secret at once. */
const grace = (text: string): number => {
  if (/^0[smhdw]?$/.test(text)) return 0
  const ms = duration(text)
  integer(1, ROTATION_GRACE_SECONDS_MAX)(String(ms / 1_000))
  return ms
}

/** The keys that the documentation prints, in its order; short lists stay on one line as there. */
function summaryJson(token: Token): string {
  const { name, token_type, created_at, expires_at, last_used_at, status, allowed_models } = token
  const seconds = (instant: string | null) => instant && toSeconds(instant)
  const summary = {
    name,
    token_type,
    created_at: seconds(created_at),
    expires_at: seconds(expires_at),
    last_used_at: seconds(last_used_at),
    status,
    allowed_models,
  }
  const lines = Object.entries(summary).map(
    ([field, value]) => `  "${field}": ${toJson(value).replaceAll('","', '", "')}`,
  )
  return `{\n${lines.join(',\n')}\n}`
}
