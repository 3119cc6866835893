import { blindReport } from './detection/blind-report'
import { spanReport } from './detection/span-report'
import { speedReport } from './detection/speed-report'
import { verdictReport } from './detection/verdict-report'

/** How well and how fast the built-in detectors do on the labelled sets of bench/detection/cases. */
export async function benchDetection(): Promise<string> {
  return ['# Detection', spanReport(), verdictReport(), blindReport(), speedReport()].join('\n\n')
}
