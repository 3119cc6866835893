import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { benchDetection } from './detection'
import { trainInjections } from './detection/train'
import { benchContent, benchIngest } from './events/ingest'
import { benchKill } from './events/kill'
import { benchEvents } from './events/read'
import { benchExports } from './exports/exports'
import { benchFaults } from './faults'
import { benchGateway, GATEWAY_CASES } from './gateway'
import { benchProduct } from './product'
import { benchProfile } from './profile'
import { benchSpendProof } from './spend/proof'
import { benchSpendRates } from './spend/rates'
import { benchSpendGateway } from './spend-gateway'
import { benchTrail } from './trail/trail'
import { benchUsage } from './usage'

/** `npm run bench [-- gateway [json sse ...] ...]`: prints Markdown and keeps it in bench/results. */
const BENCHES: Record<string, () => Promise<string>> = {
  content: benchContent,
  detection: benchDetection,
  events: benchEvents,
  exports: benchExports,
  faults: benchFaults,
  gateway: () => benchGateway(cases),
  ingest: benchIngest,
  kill: benchKill,
  product: benchProduct,
  profile: benchProfile,
  'spend-gateway': benchSpendGateway,
  'spend-proof': benchSpendProof,
  'spend-rates': benchSpendRates,
  trail: benchTrail,
  train: trainInjections,
  usage: benchUsage,
}

const words = process.argv.slice(2)
const cases = words.filter((word) => Object.hasOwn(GATEWAY_CASES, word))
const wanted = words.filter((word) => !cases.includes(word))
if (cases.length > 0 && !wanted.includes('gateway')) wanted.push('gateway')
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHES, name))
if (unknown.length > 0)
  throw new Error(
    `There is no bench ${unknown.join(', ')}; choose from ${Object.keys(BENCHES).join(', ')}, and for the gateway from ${Object.keys(GATEWAY_CASES).join(', ')}.`,
  )

if (!existsSync('bench/node_modules')) {
  execFileSync('npm', ['ci', '--prefix', 'bench', '--ignore-scripts', '--no-audit', '--no-fund'], { stdio: 'inherit' })
}
await mkdir('bench/results', { recursive: true })
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const report = `${await bench()}\n\n${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}\n`
  await writeFile(`bench/results/${name}.md`, report)
  console.log(report)
}
