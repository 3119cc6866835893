/** A start that cannot go on, in one sentence that says what to do. Everything else that is thrown is a mistake of ours. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** Exit status of a child whose failure another attempt would only repeat: the supervisor then stops as well. */
export const EXIT_DO_NOT_RESTART = 78
