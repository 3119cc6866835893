/**
 * Why a choice of a chat completion is over; null while it goes on.
 *
 * @param said for that, some say null, some nothing, and some the empty text or `'null'`
 */
export const finishReasonOf = (said: unknown): string | null =>
  typeof said === 'string' && said !== '' && said !== 'null' ? said : null
