import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { TokensAndCost } from './tokens-and-cost'

const example = events.get.example.output as DecisionEvent
const ofTool = (change: Partial<DecisionEvent['event_cost_attribution']>) => {
  const cost = { ...example.event_cost_attribution, ...change }
  return renderToStaticMarkup(
    <TokensAndCost event={{ ...example, api_shape: 'mcp', tokens: null, event_cost_attribution: cost }} />,
  )
}

test('a call of a tool says what it cost, if anybody has said that', () => {
  const log = 'ltx_019a6f0e1c2d7000a1b2c3d4e5f60718'
  const priced = ofTool({ total_cost_usd: '0.005000000', price_status: 'priced', source_spend_log_id: log })
  expect(priced).toContain('This one cost $0.005.')
  expect(priced).toContain(log)
  expect(ofTool({ total_cost_usd: null, price_status: 'unknown', source_spend_log_id: null })).toContain(
    'Nobody has said what this one costs.',
  )
})
