import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { ENDPOINTS } from '@/lib/contract/all'
import { AppError, ERROR_STATUS, isErrorCode, type Problem, problemResponse } from '@/lib/errors'
import { EndpointSection } from './endpoint-section'
import { ErrorList } from './error-list'

const idsOf = (markup: string) => [...markup.matchAll(/ id="([^"]+)"/g)].map((match) => match[1] ?? '')
const errorIds = idsOf(renderToStaticMarkup(<ErrorList />))

test('the type of every problem leads to its row', async () => {
  const types = await Promise.all(
    Object.keys(ERROR_STATUS)
      .filter(isErrorCode)
      .map(async (code) => {
        const problem: Problem = await problemResponse(new AppError(code, 'words'), 'req_test').json()
        return problem.type
      }),
  )
  expect(types).toEqual(errorIds.map((id) => `/docs/api#${id}`))
})

test('no two places of the reference have one address', () => {
  const ids = [
    ...errorIds,
    ...ENDPOINTS.flatMap((endpoint) => idsOf(renderToStaticMarkup(<EndpointSection endpoint={endpoint} />))),
  ]
  expect(ids.length).toBeGreaterThan(100)
  expect(new Set(ids).size).toBe(ids.length)
})
