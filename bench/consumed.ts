/** What a process took for a piece of work: seconds, of all its threads' processor time too, and bytes. */
export type Consumed = {
  seconds: number
  cpuSeconds: number
  /** Memory before it, and at most. */
  baseRss: number
  peakRss: number
}

/** For a process that does nothing else. @returns what it has taken since */
export function startMeasure(): () => Consumed {
  const startedMs = performance.now()
  const cpu = process.cpuUsage()
  const baseRss = process.resourceUsage().maxRSS * 1_024
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return {
      seconds: (performance.now() - startedMs) / 1_000,
      cpuSeconds: (user + system) / 1e6,
      baseRss,
      peakRss: process.resourceUsage().maxRSS * 1_024,
    }
  }
}
