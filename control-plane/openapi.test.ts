import { afterAll, describe, expect, test } from 'vitest'
import { CONTRACT, ENDPOINTS } from '@/lib/contract/all'
import { pathNames } from '@/lib/contract/endpoint'
import { PERMISSIONS } from '@/lib/contract/permissions'
import { ROUTES } from './app'
import { openApiDocument } from './openapi'
import { startControlPlane } from './testing'

type Operation = {
  operationId: string
  summary: string
  security?: object[]
  parameters: { name: string; in: string; required: boolean; schema: object }[]
  requestBody?: { content: Record<string, { schema: object; example: object }> }
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: object; example: unknown }> }>
}
const paths = openApiDocument.paths as Record<string, Record<string, Operation>>
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

describe('the contract', () => {
  test('is what is mounted, in both directions', () => {
    const mounted = ROUTES.map(({ endpoint }) => endpoint.name).toSorted()
    expect(mounted).toEqual(ENDPOINTS.map(({ name }) => name).toSorted())
    expect(new Set(mounted).size).toBe(mounted.length)
    for (const { endpoint } of ROUTES) expect(ENDPOINTS).toContain(endpoint)
  })

  test('names an access for every endpoint, and only signing in is for anybody', () => {
    for (const { name, access } of ENDPOINTS) expect([name, ...PERMISSIONS, 'signed_in', 'public']).toContain(access)
    expect(ENDPOINTS.filter(({ access }) => access === 'public').map(({ name }) => name)).toEqual([
      'exports.open',
      'sessions.create',
      'sessions.createFromOidc',
    ])
  })

  test('gives each endpoint a name of its own, below its resource, and a method and path of its own', () => {
    for (const [resource, endpoints] of Object.entries(CONTRACT)) {
      for (const [verb, { name }] of Object.entries(endpoints)) expect(name).toBe(`${resource}.${verb}`)
    }
    const doors = ENDPOINTS.flatMap(({ method, path, aliases }) =>
      [path, ...aliases].map((one) => `${method} ${one.replace(/:\w+/g, ':x')}`),
    )
    expect(new Set(doors).size).toBe(doors.length)
  })

  test.each(ENDPOINTS.map((endpoint) => [endpoint.name, endpoint] as const))(
    '%s has an example that holds',
    (_, endpoint) => {
      expect(endpoint.input.safeParse(endpoint.example.input).error?.issues).toBeUndefined()
      expect(endpoint.output.safeParse(endpoint.example.output).error?.issues).toBeUndefined()
      for (const name of pathNames(endpoint.path)) expect(Object.keys(endpoint.input.shape)).toContain(name)
    },
  )

  test.each(
    ENDPOINTS.filter(({ input }) => Object.keys(input.shape)).map((endpoint) => [endpoint.name, endpoint] as const),
  )('%s accepts no field it does not name', (_, endpoint) => {
    const parsed = endpoint.input.safeParse({ ...endpoint.example.input, nobody_named_this: 1 })
    expect(parsed.error?.issues.map(({ code }) => code)).toContain('unrecognized_keys')
  })
})

describe('the OpenAPI document', () => {
  test('is OpenAPI 3.1 with everything it refers to', () => {
    expect(openApiDocument.openapi).toBe('3.1.0')
    const text = JSON.stringify(openApiDocument)
    const refs = new Set([...text.matchAll(/"\$ref":"(#[^"]*)"/g)].map((match) => match[1] ?? ''))
    expect(refs.size).toBeGreaterThan(0)
    for (const ref of refs) {
      const target = ref
        .split('/')
        .slice(1)
        .reduce<unknown>((node, name) => (node as Record<string, unknown>)?.[name], openApiDocument)
      expect(target, ref).toBeDefined()
    }
  })

  test('describes every endpoint and alias once', () => {
    const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`).toSorted()
    const wanted = ENDPOINTS.flatMap(({ method, path, aliases }) =>
      [path, ...aliases].map((one) => `${method} ${one.replace(/:(\w+)/g, '{$1}')}`),
    ).toSorted()
    expect(described).toEqual(wanted)
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test.each(operations.map((one) => [one.operation.operationId, one] as const))(
    '%s says what goes in and what comes out',
    (_, one) => {
      const { path, method, operation } = one
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      expect(operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(
        inPath,
      )
      for (const parameter of operation.parameters) expect(parameter.schema, parameter.name).toBeTypeOf('object')
      expect(operation.requestBody !== undefined).toBe(method === 'post' || method === 'patch')
      expect(operation.responses.default?.$ref).toBe('#/components/responses/Problem')
      const done = Object.entries(operation.responses).filter(([status]) => /^2/.test(status))
      expect(done).toHaveLength(1)
      expect(Object.values(done[0]?.[1].content ?? {})[0]?.schema).toBeTypeOf('object')
      expect(operation.security).toEqual(
        ['exports.open', 'sessions.create', 'sessions.createFromOidc'].includes(operation.operationId) ? [] : undefined,
      )
      // Nothing of ours may leak into what generators read.
      expect(JSON.stringify(operation)).not.toContain('$schema')
    },
  )
})

describe('served', () => {
  let stop = async () => {}
  afterAll(() => stop())

  test('it needs no token and no database', async () => {
    const plane = await startControlPlane()
    stop = plane.stop
    const { status, json } = await plane.send('GET', '/v1/openapi.json')
    expect(status).toBe(200)
    expect(json).toEqual(JSON.parse(JSON.stringify(openApiDocument)))
  })
})
