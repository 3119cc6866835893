import { JsonRefused, looseName, parseBoundedJson } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'

export type RpcId = string | number
export type RpcRequest = { kind: 'request'; id: RpcId; method: string; params: Record<string, unknown> }
export type RpcNotification = { kind: 'notification'; method: string; params: Record<string, unknown> }
/** `result` and `error` as they came; exactly one of them is not undefined. */
export type RpcResponse = { kind: 'response'; id: RpcId | null; result: unknown; error: unknown }

/** One JSON-RPC message. `document` is what goes on: the same message, with its numbers as they were written. */
export type RpcMessage = (RpcRequest | RpcNotification | RpcResponse) & { document: Record<string, unknown> }

/** Codes of JSON-RPC 2.0; ours lie in the range that it leaves to servers. */
export const RPC = {
  parseError: -32_700,
  invalidRequest: -32_600,
  invalidParams: -32_602,
  internalError: -32_603,
  /** As the official SDKs answer it. */
  sessionNotFound: -32_001,
  /** A policy refused; `data` says which. */
  refused: -32_010,
  /** The MCP server failed or is not to be reached; or this gateway is not ready. */
  unavailable: -32_011,
} as const

/** What is no JSON-RPC message; `message` is for the caller. */
export class RpcInvalid extends Error {
  override readonly name = 'RpcInvalid'

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message)
  }
}

const ID_LENGTH_MAX = 256
const METHOD_LENGTH_MAX = 200
/** It stands on records. */
const METHOD = /^[\x21-\x7e]+$/

/**
 * The messages of a body or a frame; one, unless `batches` are taken.
 *
 * @throws RpcInvalid for anything else
 */
export function readMessages(bytes: Buffer, { batches }: { batches: boolean }): RpcMessage[] {
  const { plain, exact } = parsed(bytes)
  if (!Array.isArray(plain)) return [readMessage(plain, exact)]
  // MCP took batches out again with its revision 2025-06-18; servers of older ones may still answer with them.
  if (!batches)
    throw new RpcInvalid(RPC.invalidRequest, 'Send one JSON-RPC message per request: batches are not taken.')
  if (plain.length === 0 || plain.length > 100)
    throw new RpcInvalid(RPC.invalidRequest, 'A batch has 1 to 100 messages.')
  return plain.map((message, at) => readMessage(message, Array.isArray(exact) ? exact[at] : message))
}

function readMessage(message: unknown, exact: unknown): RpcMessage {
  const fields = fieldsOf(message)
  const written = fieldsOf(exact)
  if (fields === null || written === null || fields.jsonrpc !== '2.0') {
    throw new RpcInvalid(RPC.invalidRequest, 'Send a JSON-RPC 2.0 message.')
  }
  const document = membersOf(written)
  const { id, method } = fields
  if (method === undefined) return { ...readResponse(fields), document }
  if (typeof method !== 'string' || method.length > METHOD_LENGTH_MAX || !METHOD.test(method)) {
    throw new RpcInvalid(RPC.invalidRequest, 'The method must be a name.')
  }
  const params = fields.params === undefined ? {} : fieldsOf(fields.params)
  if (params === null) throw new RpcInvalid(RPC.invalidRequest, 'The params must be an object.')
  refuseLookAlikes(params)
  if (id === undefined) return { kind: 'notification', method, params, document }
  if (!isId(id)) throw new RpcInvalid(RPC.invalidRequest, 'The id must be a short string or an integer.')
  return { kind: 'request', id, method, params, document }
}

const MEMBERS = ['jsonrpc', 'id', 'method', 'params', 'result', 'error']

/** Without members that JSON-RPC does not know: some parsers would take `Method` for the method. */
function membersOf(written: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(MEMBERS.flatMap((name) => (Object.hasOwn(written, name) ? [[name, written[name]]] : [])))
}

/** What is called, with what: policies decide on these, so nobody may read another one of them. */
const DECIDING: ReadonlySet<string> = new Set([
  'name',
  'arguments',
  'uri',
  'ref',
  'argument',
  'task',
  'taskId',
  '_meta',
])
const LOOKING_ALIKE = new Set([...DECIDING].map(looseName))

function refuseLookAlikes(params: Record<string, unknown>): void {
  for (const name in params) {
    if (DECIDING.has(name) || !LOOKING_ALIKE.has(looseName(name))) continue
    throw new RpcInvalid(RPC.invalidRequest, 'A name in the params could be taken for another one.')
  }
}

function readResponse({ id, result, error }: Record<string, unknown>): RpcResponse {
  const isAnswer = (result === undefined) !== (error === undefined)
  if (!isAnswer || !(isId(id) || (id === null && error !== undefined))) {
    throw new RpcInvalid(RPC.invalidRequest, 'A message has a method, a result or an error.')
  }
  return { kind: 'response', id, result, error }
}

const isId = (id: unknown): id is RpcId =>
  typeof id === 'string' ? id.length <= ID_LENGTH_MAX : typeof id === 'number' && Number.isSafeInteger(id)

export const fieldsOf = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null

/** A message that is passed on is written anew, so that server and gateway cannot read it differently. */
function parsed(bytes: Buffer): { plain: unknown; exact: unknown } {
  try {
    const plain = parseBoundedJson(bytes)
    const text = bytes.toString('utf8')
    // Only numbers this long can change when they are read and written.
    return { plain, exact: LONG_NUMBER.test(text) ? parseJson(text, keepNumber) : plain }
  } catch (cause) {
    if (cause instanceof JsonRefused) throw new RpcInvalid(RPC.parseError, `The message is ${cause.message}.`)
    throw cause
  }
}

const LONG_NUMBER = /\d{16}|\d[eE]/

type RawJson = { rawJSON(text: string): unknown }

function keepNumber(_: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined || String(value) === context.source) return value
  return (JSON as unknown as RawJson).rawJSON(context.source)
}

/** An error message. `data` carries our own codes. */
export const rpcError = (id: RpcId | null, code: number, message: string, data?: object) => ({
  jsonrpc: '2.0',
  id,
  error: data === undefined ? { code, message } : { code, message, data },
})
