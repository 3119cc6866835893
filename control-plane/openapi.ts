import { z } from 'zod'
import { CONTRACT } from '@/lib/contract/all'
import { type Endpoint, pathNames } from '@/lib/contract/endpoint'
import { ERROR_STATUS, Problem } from '@/lib/errors'
import { TOKEN_PATTERN } from '@/lib/tokens'
import { VERSION } from '@/lib/version'

type Json = Record<string, unknown>

const MEDIA = { json: 'application/json', events: 'text/event-stream', file: 'application/octet-stream' } as const

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'A repeat with the same key and body within 24 hours gets the first answer again.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'The ETag of the answer you have; 304 when nothing changed.',
  schema: { type: 'string' },
}

const RANGE = {
  name: 'Range',
  in: 'header',
  required: false,
  description: 'One range of bytes, such as `bytes=1000-`; answered with 206.',
  schema: { type: 'string' },
}

/** OpenAPI 3.1 of the whole contract, made from the same Zod schemas that validate. */
export const openApiDocument: Json = {
  openapi: '3.1.0',
  info: {
    title: 'Keeptrusts control plane',
    version: VERSION,
    description:
      'Keys, decisions, gateways and configurations. Send an access key as a bearer token. Failures are RFC 9457 problem documents with a stable `code`.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  security: [{ accessKey: [] }],
  tags: Object.keys(CONTRACT).map((name) => ({ name })),
  paths: pathsOf(),
  components: {
    securitySchemes: {
      accessKey: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: TOKEN_PATTERN.source,
        description: 'An access key (`kt_ak_...`) or the session of a signed-in member.',
      },
    },
    schemas: { Problem: schemaOf(Problem, 'output') },
    responses: {
      Problem: {
        description: `A problem document. Codes: ${Object.keys(ERROR_STATUS).join(', ')}.`,
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  },
}

function pathsOf(): Json {
  const paths: Record<string, Json> = {}
  for (const [tag, resource] of Object.entries(CONTRACT)) {
    for (const endpoint of Object.values(resource)) {
      for (const [index, path] of [endpoint.path, ...endpoint.aliases].entries()) {
        const template = path.replace(/:(\w+)/g, '{$1}')
        const operation = operationOf(endpoint, tag)
        // An operationId may occur once; an alias is the same operation under another name.
        if (index > 0) Object.assign(operation, { operationId: `${endpoint.name}.alias${index}`, deprecated: true })
        paths[template] = { ...paths[template], [endpoint.method.toLowerCase()]: operation }
      }
    }
  }
  return paths
}

function operationOf(endpoint: Endpoint, tag: string): Json {
  const { properties, required } = inputOf(endpoint)
  const inPath = pathNames(endpoint.path)
  const rest = Object.keys(properties).filter((name) => !inPath.includes(name))
  const hasBody = endpoint.method === 'POST' || endpoint.method === 'PATCH'
  const parameters = [
    ...inPath.map((name) => ({ name, in: 'path', required: true, schema: properties[name] ?? { type: 'string' } })),
    ...(hasBody
      ? []
      : rest.map((name) => ({ name, in: 'query', required: required.includes(name), schema: properties[name] }))),
    ...(endpoint.idempotent ? [IDEMPOTENCY_KEY] : []),
    ...(endpoint.etag ? [IF_NONE_MATCH] : []),
    ...(takesRange(endpoint) ? [RANGE, IF_NONE_MATCH] : []),
  ]
  const body = {
    type: 'object',
    properties: Object.fromEntries(rest.map((name) => [name, properties[name]])),
    required: required.filter((name) => rest.includes(name)),
    additionalProperties: false,
  }
  return {
    operationId: endpoint.name,
    tags: [tag],
    summary: endpoint.summary,
    description: descriptionOf(endpoint),
    ...(endpoint.access === 'public' ? { security: [] } : {}),
    parameters,
    ...(hasBody
      ? {
          requestBody: {
            required: body.required.length > 0,
            content: { [MEDIA.json]: { schema: body, example: exampleBody(endpoint) } },
          },
        }
      : {}),
    responses: {
      [endpoint.status]: {
        description: 'Done.',
        content: {
          [MEDIA[endpoint.answers]]: { schema: schemaOf(endpoint.output, 'output'), example: endpoint.example.output },
        },
      },
      ...(takesRange(endpoint) ? { 302: { description: 'The object store serves the file at `Location`.' } } : {}),
      ...(endpoint.etag || takesRange(endpoint)
        ? { 304: { description: 'Nothing changed since the ETag that was sent.' } }
        : {}),
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

/** A file that is made for the one request has no length before its end, so no ranges. */
function takesRange({ answers, method }: Endpoint): boolean {
  return answers === 'file' && method === 'GET'
}

function descriptionOf({ access, description }: Endpoint): string {
  if (access === 'public') return `${description}\n\nNeeds no token.`
  return `${description}\n\n${access === 'signed_in' ? 'Needs any live token.' : `Needs the permission \`${access}\`.`}`
}

function exampleBody({ path, example }: Endpoint): Json {
  const inPath = pathNames(path)
  return Object.fromEntries(Object.entries(example.input).filter(([name]) => !inPath.includes(name)))
}

function inputOf({ input }: Endpoint): { properties: Record<string, Json>; required: string[] } {
  const { properties, required } = schemaOf(input, 'input')
  return { properties: (properties ?? {}) as Record<string, Json>, required: (required ?? []) as string[] }
}

/** What JSON Schema cannot say, such as a refinement in code, is left out; the control plane still checks it. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' })
  return rest
}
