import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { AppError, problemResponse } from '@/lib/errors'
import { newId } from '@/lib/ids'
import type { Services } from './context'

const READY_WITHIN_MS = 2_000

/** `/healthz`: this process is alive, whatever else is. `/readyz`: it can serve, so the database answers. */
export function healthRoutes({ db, log }: Pick<Services, 'db' | 'log'>): Hono {
  const app = new Hono()
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    const late = new Promise<never>((_, reject) => {
      setTimeout(reject, READY_WITHIN_MS, new Error(`No answer within ${READY_WITHIN_MS} ms.`)).unref()
    })
    try {
      await Promise.race([db.execute(sql`select 1`), late])
      return c.json({ status: 'ready' })
    } catch (error) {
      log.warn({ err: error }, 'not ready')
      const away = new AppError('unavailable', 'The database cannot be reached now.', { retryAfterSeconds: 2 })
      return problemResponse(away, newId('req'))
    }
  })
  return app
}
