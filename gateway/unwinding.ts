import type { RunLog } from './running-configuration'

type Step = () => Promise<unknown>

/** Steps that undo a start, done in reverse order of the start, each even when an earlier one failed. */
export function unwinding(log: RunLog): { steps: Step[]; unwind: () => Promise<void> } {
  const steps: Step[] = []
  const unwind = async () => {
    for (const step of steps.splice(0).reverse()) {
      await step().catch((cause: unknown) => log.error({ err: cause }, 'a step of the shutdown failed'))
    }
  }
  return { steps, unwind }
}
