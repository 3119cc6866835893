import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant } from './fields'
import { pageInput, pageOf } from './page'

/** Of one member. */
export const VIEWS_MAX = 100
export const VIEW_NAME_MAX = 80
const QUERY_MAX = 8_000

/** The pages that are filtered by their address. */
export const VIEW_PAGES = ['history', 'usage', 'access-keys', 'gateway-keys'] as const
export type ViewPage = (typeof VIEW_PAGES)[number]

/** How a page is looked at, under a name. */
export const SavedView = z.object({
  id: idOf('view'),
  page: z.enum(VIEW_PAGES),
  name: displayName,
  /** The part of the page's address after the question mark. */
  query: z.string(),
  /** Whether every member who reads events sees it, or its owner alone. */
  shared: z.boolean(),
  owner: z.object({ id: z.string(), name: z.string() }),
  /** Whether it is the caller's own. */
  mine: z.boolean(),
  updated_at: instant,
})
export type SavedView = z.infer<typeof SavedView>

const EXAMPLE: SavedView = {
  id: 'view_019a6f0e1c2d7000a1b2c3d4e5f60718',
  page: 'history',
  name: 'Blocked this week',
  query: 'filter=verdict%3Dblock&since=7d',
  shared: false,
  owner: { id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Ana' },
  mine: true,
  updated_at: '2026-04-23T10:00:00.000Z',
}

export const views = {
  list: endpoint({
    name: 'views.list',
    method: 'GET',
    path: '/v1/views',
    access: 'events:read',
    input: z.strictObject({ page: z.enum(VIEW_PAGES).optional().describe('Of all pages without it.'), ...pageInput }),
    output: pageOf(SavedView),
    summary: 'List your saved views and those that others share, by name',
    example: { input: {}, output: { items: [EXAMPLE], next_cursor: null } },
  }),
  save: endpoint({
    name: 'views.save',
    method: 'POST',
    path: '/v1/views',
    access: 'events:read',
    idempotent: true,
    input: z.strictObject({
      page: z.enum(VIEW_PAGES).default('history'),
      name: displayName,
      query: z
        .string()
        .max(QUERY_MAX)
        .regex(/^[\x21-\x7e]*$/, 'must be the query of an address, percent-encoded')
        .describe('What follows the question mark in the address of the page: filter, range, columns and sort.'),
      shared: z.boolean().default(false).describe('Shown to every member who reads events.'),
    }),
    output: SavedView,
    summary: 'Keep a view of a page under a name; one of yours of that page with this name is replaced',
    description: 'Views belong to a member: a key keeps them for the member whose key it is. A member has at most 100.',
    example: { input: { name: EXAMPLE.name, query: EXAMPLE.query }, output: EXAMPLE },
  }),
  delete: endpoint({
    name: 'views.delete',
    method: 'DELETE',
    path: '/v1/views/:id',
    access: 'events:read',
    input: z.strictObject({ id: z.string().max(64) }),
    output: z.object({ id: z.string() }),
    summary: 'Delete a view of yours; who may change the organisation also deletes shared ones of others',
    example: { input: { id: EXAMPLE.id }, output: { id: EXAMPLE.id } },
  }),
}
