import { CLEAN, type Finding } from '../engine/policy'

/** A tool call that is not made. `message` goes to the caller and must not repeat what was found. */
export const refuseCalls = (reasonCode: string, message: string, flags: readonly string[] = []): Finding => ({
  ...CLEAN,
  verdict: 'block',
  reasonCode,
  message,
  flags,
})
