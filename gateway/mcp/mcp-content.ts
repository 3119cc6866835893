import type { JsonPath } from '@/lib/policy/engine/subject'
import { fieldsOf, type RpcMessage } from './json-rpc'

/** Requests that carry names only and change nothing but the connection they come on: they pass, and leave no record. */
const PLAIN = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'tasks/list',
  'tasks/get',
])
const PLAIN_PARAMS = new Set(['cursor', 'level', 'taskId', 'protocolVersion', 'capabilities', 'clientInfo'])
/** Notifications of which nothing else is given say only what happened to a request. */
const PLAIN_NEWS = new Set(['requestId', 'progressToken', 'progress', 'total', 'taskId'])

/** All other messages of a client are decided on and leave a record, those among them of which nothing is known here. */
export function isGoverned(message: RpcMessage): boolean {
  if (message.kind === 'response') return true
  const { kind, method, params } = message
  const plain = kind === 'notification' ? PLAIN_NEWS : PLAIN_PARAMS
  const isPlain = (name: string) => (name === '_meta' ? Object.keys(ownMeta(params)).length === 0 : plain.has(name))
  return (kind === 'request' && !PLAIN.has(method)) || !Object.keys(params).every(isPlain)
}

/** The list of what a server offers, with its name; null for a result that is none. */
export function offeredIn(result: unknown) {
  const fields = fieldsOf(result)
  const name = OFFERED.find((one) => Array.isArray(fields?.[one]))
  if (fields === null || name === undefined) return null
  const { [name]: list, ...beside } = fields
  return { name, list: list as unknown[], beside }
}

/** Answered with what a server offers. */
export const LISTS: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
])

const OFFERED = ['tools', 'prompts', 'resources', 'resourceTemplates']

/** Where a request keeps what its sender wrote. */
export function contentOf(method: string, params: Record<string, unknown>): { value: unknown; path: JsonPath } {
  const field = CONTENT_FIELDS.get(method)
  return field === undefined ? { value: params, path: ['params'] } : { value: params[field], path: ['params', field] }
}

/** What else stands in a request: it goes on too, so it is looked through. Of its names only the tool's is left out. */
export function besideOf(method: string, params: Record<string, unknown>): Record<string, unknown> {
  const field = CONTENT_FIELDS.get(method)
  if (field === undefined) return {}
  const { [field]: _, ...beside } = params
  if (method === 'tools/call') delete beside.name
  return withOwnMeta(beside)
}

/** Without what is taken out before the message goes on, and the token that only tells progress apart. */
function ownMeta({ _meta }: Record<string, unknown>): Record<string, unknown> {
  const own = Object.entries(fieldsOf(_meta) ?? (_meta === undefined ? {} : { value: _meta }))
  return Object.fromEntries(own.filter(([name]) => name !== 'progressToken' && !name.startsWith('keeptrusts_')))
}

export const withOwnMeta = (params: Record<string, unknown>) =>
  fieldsOf(params._meta) === null ? params : { ...params, _meta: ownMeta(params) }

const CONTENT_FIELDS: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'arguments'],
  ['tasks/result', 'arguments'],
  ['prompts/get', 'arguments'],
  ['resources/read', 'uri'],
  ['completion/complete', 'argument'],
])
