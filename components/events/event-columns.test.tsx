import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { Cost } from './event-columns'

const example = events.get.example.output as DecisionEvent
const ofTool = (change: Partial<DecisionEvent['event_cost_attribution']>) => {
  const cost = { ...example.event_cost_attribution, ...change }
  return renderToStaticMarkup(
    <Cost event={{ ...example, api_shape: 'mcp', tokens: null, event_cost_attribution: cost }} />,
  )
}

test('the list says what a call of a tool cost, and of one without a price nothing', () => {
  expect(ofTool({ total_cost_usd: '0.002500000', price_status: 'priced' })).toBe('$0.0025')
  expect(ofTool({ total_cost_usd: null, price_status: 'unknown' })).toContain('–')
})
