import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { dataDirectoryVariable } from './environment'

/** What somebody can do who owns the database of the installation under test, and nothing else of it. */
export async function asDatabaseOwner<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
  const directory = process.env[dataDirectoryVariable()]
  if (!directory) throw new Error('The installation under test is started by e2e/global-setup.ts.')
  const { password } = JSON.parse(await readFile(join(directory, 'database.json'), 'utf8'))
  const pidFile = await readFile(join(directory, 'postgres', 'postmaster.pid'), 'utf8')
  // PostgreSQL writes its port on the fourth line, and on the fifth where its socket is.
  const [port = '', socket = ''] = pidFile.split('\n').slice(3)
  const sql = postgres({
    ...(socket === '' ? { host: '127.0.0.1', port: Number(port) } : { path: `${socket}/.s.PGSQL.${port}` }),
    user: 'postgres',
    password,
    database: 'keeptrusts',
    max: 1,
  })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}
