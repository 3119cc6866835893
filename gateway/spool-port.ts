/** What the request path needs of the spool: a durable, bounded, append-only queue of event records. */
export type Spool = {
  /**
   * One record without a line break, made by `spoolRecord`.
   *
   * @param done told once, later or at once: null when the record is durable, or why it is not kept. Must not throw: it
   *   is called for all records of a write in turn
   */
  append(record: Buffer | string, done: (failure: Error | null) => void): void
  /** No room for another record. */
  readonly full: boolean
  /** Records that wait for the control plane. */
  readonly depth: number
  readonly bytes: number
  /** The next `gateway_seq`; counts up by one and is never given twice. */
  nextSeq(): number
}

/** Resolves when the record is durable; rejects when it is not. */
export const appended = (spool: Pick<Spool, 'append'>, record: Buffer | string): Promise<void> =>
  new Promise((resolve, reject) => {
    spool.append(record, (failure) => (failure === null ? resolve() : reject(failure)))
  })

/** What is kept of one call beside its event when the organisation captures payloads, and the salt of its commitments. */
export type CapturedBytes = { request: Buffer | null; response: Buffer | null; salt: Buffer }

/** `{"event":…}` or `{"event":…,"capture":{"request":base64|null,"response":base64|null,"salt":base64}}`. */
export function spoolRecord(eventJson: string, capture: CapturedBytes | null): string {
  if (capture === null) return `{"event":${eventJson}}`
  const { request, response, salt } = capture
  return `{"event":${eventJson},"capture":{"request":${base64(request)},"response":${base64(response)},"salt":${base64(salt)}}}`
}

const base64 = (bytes: Buffer | null) => (bytes === null ? 'null' : `"${bytes.toString('base64')}"`)
