import { SourceMap, type SourceMapPayload } from 'node:module'
import { basename } from 'node:path'

/** Functions from the outermost to the innermost, and how long that stack was seen. */
export type Stack = { frames: string[]; us: number }

/** What of V8's .cpuprofile is read here. Times in microseconds of the monotonic clock. */
type CpuProfile = {
  startTime: number
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[]
  samples: number[]
  timeDeltas: number[]
}
type CallFrame = { functionName: string; url: string; lineNumber: number; columnNumber: number }

/** The stacks of a part of a profile, without the time in which nothing ran, named by the source they come from. */
export function stacksOf(
  { startTime, nodes, samples, timeDeltas }: CpuProfile,
  payload: SourceMapPayload,
  { fromUs, untilUs }: { fromUs: number; untilUs: number },
): Stack[] {
  const map = new SourceMap(payload)
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame, map)]))
  const framesOf = (id: number): string[] => {
    const frames: string[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const name = names.get(at)
      if (name && name !== '(root)') frames.push(name)
    }
    return frames.reverse()
  }
  const perNode = new Map<number, number>()
  let atUs = startTime
  for (const [i, id] of samples.entries()) {
    const us = timeDeltas[i] ?? 0
    atUs += us
    if (atUs < fromUs || atUs > untilUs || names.get(id) === '(idle)') continue
    perNode.set(id, (perNode.get(id) ?? 0) + us)
  }
  return [...perNode].map(([id, us]) => ({ frames: framesOf(id), us }))
}

function nameOf({ functionName, url, lineNumber, columnNumber }: CallFrame, map: SourceMap): string {
  const name = functionName || '(anonymous)'
  if (url === '') return name
  if (!url.endsWith('.mjs')) return `${name} ${url}`
  const found = map.findEntry(lineNumber, columnNumber)
  if (!('originalSource' in found)) return `${name} ${basename(url)}`
  const source = found.originalSource.replace(/^.*node_modules\//, '').replace(/^(?:\.\.\/)+/, '')
  return `${name} ${source}:${found.originalLine + 1}`
}
