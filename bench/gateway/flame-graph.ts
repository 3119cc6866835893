import type { Stack } from './stacks'

const WIDTH = 1_200
const ROW = 17
const MARGIN = 10
const HEAD = 44
/** Narrower boxes say nothing. */
const PIXELS_MIN = 0.6
const CHARACTER = 6.3

type Box = { name: string; us: number; children: Map<string, Box> }

/** A flame graph: callers below, what they call above them, each as wide as the time it took. Hover for figures. */
export function flameGraph(title: string, stacks: readonly Stack[], usPerRequest: number): string {
  const root: Box = { name: 'all', us: 0, children: new Map() }
  for (const { frames, us } of stacks) {
    let box = root
    root.us += us
    for (const name of frames) {
      const child = box.children.get(name) ?? { name, us: 0, children: new Map() }
      box.children.set(name, child)
      child.us += us
      box = child
    }
  }
  const scale = (WIDTH - 2 * MARGIN) / root.us
  const depth = depthOf(root, scale)
  const height = HEAD + (depth + 1) * ROW + MARGIN
  const boxes: string[] = []
  const draw = (box: Box, x: number, level: number): void => {
    const width = box.us * scale
    const y = height - MARGIN - (level + 1) * ROW
    const us = ((box.us / root.us) * usPerRequest).toFixed(1)
    const share = ((box.us / root.us) * 100).toFixed(1)
    const room = Math.floor((width - 6) / CHARACTER)
    const label = room < 3 ? '' : box.name.length <= room ? box.name : `${box.name.slice(0, room - 1)}…`
    boxes.push(
      `<g><title>${escaped(box.name)}: ${share} %, ${us} us per request</title>` +
        `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${colourOf(box.name)}"/>` +
        `${label ? `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escaped(label)}</text>` : ''}</g>`,
    )
    let at = x
    for (const child of [...box.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (child.us * scale >= PIXELS_MIN) draw(child, at, level + 1)
      at += child.us * scale
    }
  }
  draw(root, MARGIN, 0)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="ui-monospace, monospace" font-size="10.5">
<rect width="${WIDTH}" height="${height}" fill="#fbfbfa"/>
<text x="${MARGIN}" y="20" font-size="14">${escaped(title)}</text>
<text x="${MARGIN}" y="36" fill="#666">${usPerRequest.toFixed(0)} us of the main thread per request. Green: this gateway. Blue: undici. Yellow: node. Grey: V8, C++ and the kernel.</text>
${boxes.join('\n')}
</svg>
`
}

const depthOf = (box: Box, scale: number): number => {
  const shown = [...box.children.values()].filter(({ us }) => us * scale >= PIXELS_MIN)
  return 1 + Math.max(0, ...shown.map((child) => depthOf(child, scale)))
}

function colourOf(name: string): string {
  const source = name.slice(name.indexOf(' ') + 1)
  if (/^(?:gateway|lib|cli)\//.test(source)) return '#a9d6a5'
  if (source.startsWith('undici')) return '#a8c7ec'
  if (source.startsWith('node:')) return '#f2dc8f'
  return '#d9d9d4'
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
