/**
 * For the process with the control plane. V8 lets short-lived objects take 16 MB of its own accord before it looks which of them
 * are still in use, and by then a large export has it keep 150 MB more than with half of that.
 */
export const MEMORY_FLAGS: readonly string[] = ['--max-semi-space-size=8']
