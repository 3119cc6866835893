import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestProject } from 'vitest/node'
import { migrate } from '../control-plane/migrate'
import { sqlAt } from '../control-plane/postgres-testing'
import { LogFile } from './log-file'
import { prepareEmbeddedPostgres } from './postgres'

/** Only test databases are reached with it. */
const APP_PASSWORD = 'application-role-of-the-test-server'

/**
 * One real PostgreSQL for a test run, with a migrated template that each test file clones (control-plane/testing.ts).
 * `TEST_DATABASE_URL`, an owner's URL, uses an outside server instead.
 */
export default async function startTestDatabase(project: TestProject) {
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-test-'))
  // PostgreSQL's own user must get through, or the cluster would be put where nobody removes it.
  await chmod(directory, 0o711)
  const outside = process.env.TEST_DATABASE_URL
  const server = outside
    ? undefined
    : await prepareEmbeddedPostgres({
        dataDirectory: directory,
        log: new LogFile(join(directory, 'postgres.log')),
        say: () => undefined,
      })
  const running = server?.launch()
  const url = new URL(outside ?? server?.url ?? '')
  await untilReady(url.href)

  const template = new URL(url)
  template.pathname = '/keeptrusts_template'
  const admin = sqlAt(url.href)
  await admin.unsafe('drop database if exists keeptrusts_template with (force)')
  await admin.unsafe('create database keeptrusts_template')
  await admin.end()
  await migrate(template.href, { appPassword: APP_PASSWORD })
  project.provide('templateUrl', template.href)
  project.provide('appPassword', APP_PASSWORD)

  return async () => {
    if (running) {
      const gone = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGINT')
      await gone
    }
    await rm(directory, { recursive: true, force: true })
  }
}

async function untilReady(url: string): Promise<void> {
  const sql = sqlAt(url, { connect_timeout: 2 })
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await sql`select 1`
        return
      } catch (error) {
        if (attempt === 100) throw error
        await delay(100)
      }
    }
  } finally {
    await sql.end()
  }
}
