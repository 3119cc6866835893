import postgres from 'postgres'

/** A connection of the tests' own driver, which reads no address of a socket out of a URL, as node-postgres does. */
export function sqlAt(url: string, options: { max?: number; connect_timeout?: number } = {}): postgres.Sql {
  const { hostname, port } = new URL(url)
  const host = decodeURIComponent(hostname)
  const path = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : {}
  return postgres(url, { max: 1, onnotice: () => undefined, ...options, ...path })
}
