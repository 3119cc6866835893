import { TeamName } from '@/components/teams/team-name'
import type { Column } from '@/components/ui/data-table'
import { NameText } from '@/components/ui/name-text'
import { RelativeTime } from '@/components/ui/relative-time'
import type { Token } from '@/lib/contract/tokens'
import { TokenStatus } from './token-status'
import { describeAllowed, describeAuthority, PURPOSE_WORDS, secretHint } from './token-words'

const name: Column<Token> = {
  id: 'name',
  header: 'Name',
  cell: (token) => <NameText name={token.name} className="font-medium" />,
  sortValue: (token) => token.name,
}
const prefix: Column<Token> = {
  id: 'prefix',
  header: 'Key',
  width: 'w-42',
  cell: (token) => <span className="font-mono text-fg-muted text-xs">{secretHint(token)}</span>,
}
const purpose: Column<Token> = {
  id: 'purpose',
  header: 'Purpose',
  width: 'w-36',
  cell: (token) => PURPOSE_WORDS[token.purpose],
  sortValue: (token) => token.purpose,
}
const owner: Column<Token> = {
  id: 'owner',
  header: 'Created by',
  width: 'w-30',
  cell: (token) => token.created_by.name,
  sortValue: (token) => token.created_by.name,
}
const team: Column<Token> = {
  id: 'team',
  header: 'Team',
  width: 'w-32',
  optional: true,
  cell: (token) => (token.team_id ? <TeamName id={token.team_id} /> : '–'),
}
const agent: Column<Token> = {
  id: 'agent',
  header: 'Agent',
  width: 'w-36',
  optional: true,
  cell: (token) => token.agent_id ?? '–',
}
const created: Column<Token> = {
  id: 'created',
  header: 'Created',
  width: 'w-26',
  cell: (token) => <RelativeTime at={token.created_at} focusable={false} />,
  sortValue: (token) => token.created_at,
}
const expires: Column<Token> = {
  id: 'expires',
  header: 'Expires',
  width: 'w-26',
  // One that was revoked opens nothing already.
  cell: (token) => (token.revoked_at ? '–' : <RelativeTime at={token.expires_at} focusable={false} />),
  sortValue: (token) => (token.revoked_at ? null : token.expires_at),
}
const lastUsed: Column<Token> = {
  id: 'last_used',
  header: 'Last used',
  width: 'w-26',
  cell: (token) => <RelativeTime at={token.last_used_at} focusable={false} />,
  sortValue: (token) => token.last_used_at,
}
const status: Column<Token> = {
  id: 'status',
  header: 'Status',
  width: 'w-28',
  cell: (token) => <TokenStatus token={token} isShort />,
}

const authority: Column<Token> = { id: 'authority', header: 'May', width: 'w-38', cell: describeAuthority }
const models: Column<Token> = {
  id: 'models',
  header: 'Models',
  width: 'w-44',
  cell: (token) => <Allowed names={token.allowed_models} all="Any model" />,
}
const providers: Column<Token> = {
  id: 'providers',
  header: 'Providers',
  width: 'w-36',
  optional: true,
  cell: (token) => <Allowed names={token.allowed_providers} all="Any provider" />,
}

const Allowed = ({ names, all }: { names: string[] | null; all: string }) => (
  <span className={names === null ? 'text-fg-muted' : 'font-mono text-xs'} title={names?.join(', ')}>
    {describeAllowed(names, all)}
  </span>
)

export const TOKEN_COLUMNS: Record<Token['token_type'], Column<Token>[]> = {
  access: [name, prefix, status, purpose, authority, owner, created, expires, lastUsed, team],
  gateway: [name, prefix, status, models, providers, owner, created, expires, lastUsed, team, agent],
}
