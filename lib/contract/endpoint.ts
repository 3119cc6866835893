import { z } from 'zod'
import type { Permission } from './permissions'

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/**
 * One row of the contract: validation, authorisation, the typed client, the BFF, the CLI and OpenAPI all read it.
 *
 * `access` is the permission the caller must hold; `signed_in` is any live token or session; `public` is anybody.
 * `input` is one flat object: names that occur in the path are taken from it, the rest travels in the query (GET and
 * DELETE) or in the JSON body.
 */
export type Endpoint<I extends z.ZodObject = z.ZodObject, O extends z.ZodType = z.ZodType> = {
  /** `resource.verb`; the operationId of OpenAPI. */
  name: string
  method: Method
  path: string
  access: Permission | 'signed_in' | 'public'
  input: I
  output: O
  status: 200 | 201 | 202
  summary: string
  description: string
  example: { input: z.input<I>; output: unknown }
  /** Other paths under which the same operation answers. */
  aliases: string[]
  /** `json`; a stream of server-sent events whose `data` is one `output` each; or bytes, with `output: file`. */
  answers: 'json' | 'events' | 'file'
  /** Body limit in bytes; 1 MiB unless stated. */
  bodyBytesMax: number
  /** Whether a POST honours `Idempotency-Key`. */
  idempotent: boolean
  /** Whether an answer carries an `ETag` and honours `If-None-Match`. */
  etag: boolean
}

type Optional = 'status' | 'aliases' | 'answers' | 'bodyBytesMax' | 'idempotent' | 'etag' | 'description'

/** What an endpoint answers that answers with a file: its bytes, of any length and type. */
export const file = z.string().meta({ format: 'binary' })

/** Fills in what most endpoints share. */
export function endpoint<I extends z.ZodObject, O extends z.ZodType>(
  row: Omit<Endpoint<I, O>, Optional> & Partial<Pick<Endpoint<I, O>, Optional>>,
): Endpoint<I, O> {
  return {
    status: 200,
    aliases: [],
    answers: 'json',
    bodyBytesMax: 1_048_576,
    idempotent: false,
    etag: false,
    description: row.summary,
    ...row,
  }
}

/** The names in a path, in order: `/v1/tokens/:id/rotate` -> `['id']`. */
export const pathNames = (path: string): string[] => [...path.matchAll(/:(\w+)/g)].flatMap((match) => match[1] ?? [])
