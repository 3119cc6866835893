import pg from 'pg'

type LargeQuery = {
  /** Of the prepared statement, for ever the same text. */
  name: string
  text: string
  /** A `Buffer` is in PostgreSQL's binary format, and must not change before the answer. */
  values: (string | Buffer)[]
}

/**
 * Runs a prepared statement with megabytes of parameters. The driver would copy them into one message that grows as it is
 * written; here they go to the socket from where they are.
 *
 * @throws what the driver throws
 */
export function queryLarge<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  { name, text, values }: LargeQuery,
): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    const query = new pg.Query<Row>({ name, text, values }, (error: Error | null | undefined, result) =>
      error ? reject(error) : resolve(result.rows),
    )
    const submit = query.submit
    query.submit = (connection) => {
      const bind = { value: () => sendBind(connection.stream, name, values) }
      return submit.call(query, Object.create(connection, { bind }))
    }
    client.query(query)
  })
}

/** A Bind message (PostgreSQL documentation, 54.7) for the unnamed portal, with results as text. */
function sendBind(stream: pg.Connection['stream'], name: string, values: readonly (string | Buffer)[]): void {
  const parameters = values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value))
  const statement = Buffer.from(`\0${name}\0`)
  const head = Buffer.allocUnsafe(5 + statement.length + 2 + 2 * values.length + 2)
  const bytes = parameters.reduce((sum, { length }) => sum + 4 + length, 0)
  head.write('B', 0)
  head.writeInt32BE(head.length - 1 + bytes + RESULT_FORMAT.length, 1)
  let at = 5 + statement.copy(head, 5)
  at = head.writeInt16BE(values.length, at)
  for (const value of values) at = head.writeInt16BE(typeof value === 'string' ? TEXT : BINARY, at)
  head.writeInt16BE(values.length, at)
  const lengths = Buffer.allocUnsafe(4 * values.length)
  stream.write(head)
  for (const [index, parameter] of parameters.entries()) {
    const length = lengths.subarray(4 * index, 4 * index + 4)
    length.writeInt32BE(parameter.length)
    stream.write(length)
    stream.write(parameter)
  }
  stream.write(RESULT_FORMAT)
}

const TEXT = 0
const BINARY = 1
/** One format for all columns. */
const RESULT_FORMAT = Buffer.from([0, 1, 0, TEXT])
