import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, instant } from './fields'
import { pageInput, pageOf } from './page'

export const TEAMS_MAX = 1_000

export const Team = z.object({ id: z.string(), name: z.string(), created_at: instant })
export type Team = z.infer<typeof Team>

const EXAMPLE: Team = {
  id: 'team_019a6f0e1c2d7000a1b2c3d4e5f60718',
  name: 'Finance',
  created_at: '2026-03-01T09:00:00.000Z',
}
const id = z.string().max(64)

export const teams = {
  list: endpoint({
    name: 'teams.list',
    method: 'GET',
    path: '/v1/teams',
    access: 'members:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Team),
    summary: 'List teams by name',
    example: { input: {}, output: { items: [EXAMPLE], next_cursor: null } },
  }),
  create: endpoint({
    name: 'teams.create',
    method: 'POST',
    path: '/v1/teams',
    status: 201,
    access: 'members:write',
    idempotent: true,
    input: z.strictObject({ name: displayName }),
    output: Team,
    summary: 'Make a team',
    example: { input: { name: EXAMPLE.name }, output: EXAMPLE },
  }),
  rename: endpoint({
    name: 'teams.rename',
    method: 'PATCH',
    path: '/v1/teams/:id',
    access: 'members:write',
    input: z.strictObject({ id, name: displayName }),
    output: Team,
    summary: 'Rename a team; the record keeps what it was called by its id',
    example: { input: { id: EXAMPLE.id, name: 'Controlling' }, output: { ...EXAMPLE, name: 'Controlling' } },
  }),
  delete: endpoint({
    name: 'teams.delete',
    method: 'DELETE',
    path: '/v1/teams/:id',
    access: 'members:write',
    input: z.strictObject({ id }),
    output: z.object({ id: z.string() }),
    summary: 'Delete a team that has no members, no live keys and no money',
    description:
      'While its wallet has a balance or gateways hold some of it, the answer is `conflict`: reclaim it first.',
    example: { input: { id: EXAMPLE.id }, output: { id: EXAMPLE.id } },
  }),
}
