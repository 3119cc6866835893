import type pg from 'pg'
import { getConstructionPlans, getMigrationPlans, PgBoss } from 'pg-boss'
import packageJson from 'pg-boss/package.json' with { type: 'json' }

export const JOBS_SCHEMA = 'pgboss'

/**
 * Brings the tables of the job queue to the state that this release of pg-boss works with, as the owner, and lets the
 * application use them and no more. Forward only; the caller holds the lock of migrations.
 */
export async function installJobs(client: pg.Client, appRole: string): Promise<void> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => client.query(text, values) },
    schema: JOBS_SCHEMA,
    supervise: false,
    schedule: false,
  })
  const wanted = packageJson.pgboss.schema
  const version = (await boss.isInstalled()) ? await boss.schemaVersion() : null
  if (version === null) await client.query(getConstructionPlans(JOBS_SCHEMA))
  else if (version < wanted) await client.query(getMigrationPlans(JOBS_SCHEMA, version))
  await client.query(`
    grant usage on schema ${JOBS_SCHEMA} to ${appRole};
    grant select, insert, update, delete on all tables in schema ${JOBS_SCHEMA} to ${appRole};
    grant usage, select on all sequences in schema ${JOBS_SCHEMA} to ${appRole}`)
}
