import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { modelPricing } from '@/lib/contract/model-pricing'
import { usage } from '@/lib/contract/usage'
import { gatewayOf } from '../../events/testing'
import { startControlPlane, type TestOrganization } from '../../testing'

const plane = await startControlPlane()
afterAll(plane.stop)

const MONTH = '2026-03'
const csv = (...lines: string[]) => `${lines.join('\n')}\n`

/** Calls of March, but for one each on the evening before and the morning after by UTC. */
async function spending() {
  const organization = await plane.organization()
  const { gateway, event } = await gatewayOf(organization)
  const call = (at: string, provider: string, model: string, token_name: string | null, usd: string) =>
    event({
      timestamp: new Date(at).toISOString(),
      provider,
      model,
      token_id: token_name && `tok_${token_name}`,
      token_name,
      event_cost_attribution: {
        total_cost_usd: usd,
        input_cost_usd: null,
        output_cost_usd: null,
        currency: 'USD',
        price_book_version: null,
        price_status: 'priced',
        source_spend_log_id: null,
        units: [],
      },
    } satisfies Partial<GatewayEvent>)
  await gateway(events.ingest, {
    events: [
      call('2026-02-28T23:59:59.999Z', 'openai', 'gpt-4o', 'app', '100'),
      call('2026-03-01T00:00:00Z', 'openai', 'gpt-4o', 'app', '1.5'),
      call('2026-03-10T00:00:00Z', 'openai', 'gpt-4o', 'Batch', '0.25'),
      call('2026-03-31T23:59:59Z', 'openai', 'gpt-4o-mini-2024-07-18', 'app', '0.000000001'),
      call('2026-04-01T00:00:00Z', 'openai', 'gpt-4o', 'app', '100'),
      call('2026-03-10T00:00:00Z', 'anthropic', 'claude-haiku-4-5-20251001', 'app', '2'),
      call('2026-03-11T00:00:00Z', 'anthropic', 'claude-3-7-sonnet-20250219', 'app', '3'),
      call('2026-03-12T00:00:00Z', 'acme', 'acme-1', 'app', '6'),
      call('2026-03-12T00:00:00Z', 'acme', 'acme-1', null, '7'),
      call('2026-03-12T00:00:00Z', 'azure', 'gpt-4o', 'app', '4'),
      call('2026-03-12T00:00:00Z', 'azure', 'gpt-4o-mini', 'app', '5'),
    ],
  })
  return { organization, finance: await organization.as('role_finance') }
}

let organization: TestOrganization
let finance: Awaited<ReturnType<TestOrganization['as']>>
beforeAll(async () => {
  const made = await spending()
  organization = made.organization
  finance = made.finance
})

const compared = async (provider: string, content: string, format: 'auto' | 'openai' | 'generic' = 'auto') => {
  const answer = await finance(usage.importInvoice, { month: MONTH, provider, content, format, dry_run: true })
  const rows = answer.differences.map((row) => [row.model, row.key, row.invoice_usd, row.ours_usd, row.requests])
  return { ...answer, rows }
}

describe('the exports of providers are compared by model and key', () => {
  test('OpenAI: costs by day, line and key, with all the decimals that it tells', async () => {
    const answer = await compared(
      'openai',
      csv(
        'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,project_name,organization_name,user_email,api_source',
        '1772323200,1772409600,2026-03-01T00:00:00+00:00,2026-03-02T00:00:00+00:00,1.000000000000000000000000000000,usd,1000,tokens,"gpt-4o-2024-08-06, input",,App,proj_1,org-1,Main,Acme,a@example.com,',
        '1772323200,1772409600,2026-03-01T00:00:00+00:00,2026-03-02T00:00:00+00:00,0.5000000025,usd,10,tokens,"gpt-4o-2024-08-06, output",,App,proj_1,org-1,Main,Acme,a@example.com,',
        '1772409600,1772496000,2026-03-02T00:00:00+00:00,2026-03-03T00:00:00+00:00,,,,,,,,,,,,,',
        '1772668800,1772755200,2026-03-05T00:00:00+00:00,2026-03-06T00:00:00+00:00,2E-1,usd,1,tokens,"gpt-4o, input",,key_1,proj_1,org-1,Main,Acme,,',
        '1772668800,1772755200,2026-03-05T00:00:00+00:00,2026-03-06T00:00:00+00:00,7,usd,1,calls,"web search tool calls",,app,proj_1,org-1,Main,Acme,,',
        '1775001600,1775088000,2026-04-01T00:00:00+00:00,2026-04-02T00:00:00+00:00,9,usd,1,tokens,"gpt-4o, input",,app,proj_1,org-1,Main,Acme,,',
      ),
    )
    expect(answer).toMatchObject({ format: 'openai', rows: expect.anything(), skipped: 2, problems: [], id: null })
    // Half a nano-dollar goes to the even one. The key that is not ours stands for what is ours and not its.
    expect(answer.rows).toEqual([
      ['web search tool calls', 'app', '7.000000000', '0.000000000', 0],
      ['gpt-4o', 'key_1', '0.200000000', '0.250000000', 1],
      ['gpt-4o', 'App', '1.500000002', '1.500000000', 1],
      ['gpt-4o-mini-2024-07-18', 'app', '0.000000000', '0.000000001', 1],
    ])
    expect([answer.invoice_usd, answer.ours_usd, answer.difference_usd]).toEqual([
      '8.700000002',
      '1.750000001',
      '6.950000001',
    ])
  })

  test('OpenAI: costs by day alone are compared as a whole', async () => {
    const { rows } = await compared(
      'openai',
      csv(
        'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,organization_id,organization_name',
        '1772323200,1772409600,2026-03-01T00:00:00+00:00,2026-03-02T00:00:00+00:00,0.8958740000000000,usd,,,org-1,Personal',
        '1772409600,1772496000,2026-03-02T00:00:00+00:00,2026-03-03T00:00:00+00:00,,,,,,',
      ),
    )
    expect(rows).toEqual([['', '', '0.895874000', '1.750000001', 3]])
  })

  test('Anthropic: costs of the Console by day, model, key and kind of token', async () => {
    const row = (day: string, model: string, kind: string, usd: string) =>
      `${day},${model},Default,App,message,≤ 200k,${kind},${usd},${usd},token,global,,apikey_01,active`
    const { rows, format } = await compared(
      'anthropic',
      csv(
        'usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,speed,api_key_id,api_key_status',
        row('2026-03-10', 'Claude Haiku 4.5', 'input_no_cache', '1.90'),
        row('2026-03-10', 'Claude Haiku 4.5', 'output', '0.20'),
        row('2026-03-11', 'Claude Sonnet 3.7', 'output', '3.00'),
        row('2026-03-11', 'Claude Sonnet 3.7', 'input_no_cache', '0.00'),
      ),
    )
    expect(format).toBe('anthropic')
    expect(rows).toEqual([
      ['claude-haiku-4-5-20251001', 'App', '2.100000000', '2.000000000', 1],
      ['claude-3-7-sonnet-20250219', 'App', '3.000000000', '3.000000000', 1],
    ])
  })

  test('Azure: cost details by meter and resource, of AI services alone', async () => {
    const { rows, skipped, format } = await compared(
      'azure',
      `\uFEFF${csv(
        'Date,ResourceGroup,ConsumedService,MeterCategory,MeterSubCategory,MeterName,Quantity,CostInBillingCurrency,BillingCurrencyCode,ResourceId',
        '03/12/2026,rg,Microsoft.CognitiveServices,Foundry Models,Azure OpenAI,gpt 4o 0806 Inp glbl Tokens,1,3.5,USD,/subscriptions/1/accounts/east',
        '03/12/2026,rg,Microsoft.CognitiveServices,Foundry Models,Azure OpenAI,gpt 4o 0806 Outp glbl Tokens,1,1,USD,/subscriptions/1/accounts/east',
        '03/12/2026,rg,Microsoft.CognitiveServices,Foundry Models,Azure OpenAI,gpt-4o-mini-0718-Inp-glbl Tokens,1,5.25,USD,/subscriptions/1/accounts/east',
        '03/12/2026,rg,Microsoft.Compute,Virtual Machines,D Series,D2s,1,900,USD,/subscriptions/1/vm',
      )}`,
    )
    expect([format, skipped]).toEqual(['azure', 1])
    expect(rows).toEqual([
      ['gpt-4o', 'east', '4.500000000', '4.000000000', 1],
      ['gpt-4o-mini', 'east', '5.250000000', '5.000000000', 1],
    ])
  })

  test('a list that names no keys is compared without them, those without a key too', async () => {
    const { rows } = await compared('acme', csv('date,model,amount', '2026-03-02,acme-1,12.5'))
    expect(rows).toEqual([['acme-1', '', '12.500000000', '13.000000000', 2]])
  })

  test('a plain list: date, model, key, amount; credits too', async () => {
    const { rows } = await compared(
      'openai',
      csv('date,model,key,amount', '2026-03-02,gpt-4o,app,2', '2026-03-03,gpt-4o,app,-0.5'),
    )
    expect(rows).toEqual([
      ['gpt-4o', 'Batch', '0.000000000', '0.250000000', 1],
      ['gpt-4o-mini-2024-07-18', 'app', '0.000000000', '0.000000001', 1],
      ['gpt-4o', 'app', '1.500000000', '1.500000000', 1],
    ])
  })
})

describe('other currencies', () => {
  test('are converted with the rate of the day, exactly and rounded once; without one a line is refused', async () => {
    const made = await spending()
    const owner = await made.organization.as(['org:billing', 'spend:read'])
    const { version } = await (await made.organization.as('role_owner'))(modelPricing.createVersion, {
      rates: [
        { currency: 'EUR', effective_on: '2026-03-02', usd: '1.1' },
        { currency: 'EUR', effective_on: '2026-03-10', usd: '1.123456789' },
      ],
    })
    expect(version).toBe(1)
    const content = csv(
      'date,model,amount,currency',
      '2026-03-09,m,2,EUR',
      '2026-03-10,m,0.0000000005,eur',
      '2026-03-11,m,3,EUR',
      '2026-03-01,m,1,EUR',
      '2026-03-11,m,1,CHF',
      '2026-03-11,m,1,€',
    )
    const asked = { month: MONTH, provider: 'mistral', content }
    const { problems, invoice_usd, rows } = await owner(usage.importInvoice, { ...asked, dry_run: true })
    // 2.2, 0.00000000056..., which is a nano-dollar, and 3.370370367.
    expect([invoice_usd, rows]).toEqual(['5.570370368', 3])
    expect(problems).toEqual([
      {
        line: 5,
        message:
          'There is no rate for EUR on or before 2026-03-01: set one with kt pricing set-rate EUR=... --effective-on 2026-03-01.',
      },
      {
        line: 6,
        message:
          'There is no rate for CHF on or before 2026-03-11: set one with kt pricing set-rate CHF=... --effective-on 2026-03-11.',
      },
      { line: 7, message: '"€" is no currency: write its code, such as EUR.' },
    ])
    await expect(owner(usage.importInvoice, asked)).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringMatching(/^Line 5: There is no rate for EUR.* 2 more .*Nothing was kept\.$/),
      errors: [{ path: 'line 5' }, { path: 'line 6' }, { path: 'line 7' }],
    })
    expect((await owner(usage.invoices, {})).items).toEqual([])
  })
})

describe('an import', () => {
  const content = csv('date,model,key,amount', '2026-03-02,gpt-4o,app,2')

  test('is kept as it was compared then, and leaves an entry of activity', async () => {
    const made = await spending()
    const asked = { month: MONTH, provider: 'openai', content, note: 'INV-7' }
    const kept = await made.finance(usage.importInvoice, asked)
    expect(kept).toMatchObject({ format: 'generic', rows: 1, note: 'INV-7', created_by: { name: 'finance' } })
    const { skipped: _skipped, problems: _problems, ...invoice } = kept
    expect(await made.finance(usage.invoice, { id: kept.id ?? '' })).toEqual(invoice)
    const { differences: _differences, ...listed } = invoice
    const second = await made.finance(usage.importInvoice, {
      ...asked,
      month: '2026-02',
      content: content.replace('-03-', '-02-'),
    })
    expect((await made.finance(usage.invoices, {})).items.map(({ id }) => id)).toEqual([second.id, kept.id])
    expect((await made.finance(usage.invoices, { month: MONTH })).items).toEqual([listed])
    const { items } = await (await made.organization.as(['activity:read']))(activity.list, {
      filter: 'action=usage.invoice_imported',
    })
    expect(items[1]).toMatchObject({
      target: { type: 'invoice', id: kept.id, name: 'INV-7' },
      after: {
        invoice_usd: '2.000000000',
        ours_usd: '1.750000001',
        content_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    })
    const stranger = await (await plane.organization()).as('role_finance')
    await expect(stranger(usage.invoice, { id: kept.id ?? '' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('tells what cannot be read by its line', async () => {
    const { problems, skipped } = await compared(
      'openai',
      csv(
        'date,model,key,amount',
        '2026-03-02,gpt-4o,app,2',
        '2026-03-02,gpt-4o,2',
        '2026-02-30,gpt-4o,app,1',
        '2026-03-02,"a model, with',
        'a break",app,NaN',
        '2026-03-02,gpt-4o,app,1e99',
        '2026-03-02,gpt-4o,app,"1,000"',
        '2026-03-02,gpt-4o,app,0x10',
        ',,,',
        '02/28/2026,gpt-4o,app,1',
      ),
    )
    expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '3 3 columns where the first line has 4.',
      '4 "2026-02-30" is no date.',
      '5 "NaN" is no amount.',
      '7 "1e99" is no amount.',
      '8 "1,000" is no amount.',
      '9 "0x10" is no amount.',
    ])
    expect(skipped).toBe(2)
  })

  test('is not taken for whole when a quote is never closed: what follows would be lost without a word', async () => {
    const { rows, problems } = await compared(
      'openai',
      csv('date,amount,model', '2026-03-02,1,gpt-4o', '2026-03-03,2,"gpt-4o', '2026-03-04,4,gpt-4o'),
    )
    expect(problems).toEqual([
      { line: 3, message: 'A quote is opened here and never closed: all that follows would be part of it.' },
    ])
    expect(rows.find(([model]) => model === 'gpt-4o')?.[2]).toBe('1.000000000')
  })

  test('of more than four billion dollars is refused, whatever comes of charges and credits together', async () => {
    const asked = (...amounts: string[]) => ({
      month: MONTH,
      provider: 'openai',
      content: csv('date,amount', ...amounts.map((amount) => `2026-03-02,${amount}`)),
    })
    const billion = '1000000000'
    for (const dry_run of [true, false]) {
      const whole = { ...asked(billion, `-${billion}`, billion, billion), note: 'large', dry_run }
      expect(await finance(usage.importInvoice, whole)).toMatchObject({ invoice_usd: '2000000000.000000000' })
      const more = asked(billion, `-${billion}`, billion, `-${billion}`, '0.000000001')
      await expect(finance(usage.importInvoice, { ...more, dry_run })).rejects.toMatchObject({ code: 'unprocessable' })
    }
  })

  test('is refused when it is of no known format, of another month, or not whole', async () => {
    const refused = async (given: { text?: string; format?: 'openai' }) =>
      compared('openai', given.text ?? content, given.format).catch(({ code, message }) => `${code}: ${message}`)
    expect(await refused({ text: csv('day,price', '2026-03-02,2') })).toContain(
      'unprocessable: These are not the columns of any known invoice: day, price.',
    )
    expect(
      await refused({ text: csv('usage_date_utc,model_version,usage_output_tokens', '2026-03-02,x,2') }),
    ).toContain('not the columns')
    expect(await refused({ text: csv('date,model,Amount,amount ', '2026-03-02,x,2,3') })).toBe(
      'unprocessable: There are two columns amount: which one is meant?',
    )
    expect(await refused({ text: csv('date,amount,note,note', '2026-03-02,2,a,b') })).toMatchObject({ id: null })
    expect(await refused({ format: 'openai' })).toContain('has a column start_time or start_time_iso')
    expect(await refused({ text: csv('date,amount', '2026-04-02,2') })).toContain(
      'Nothing in it is of 2026-03. One row was left out',
    )
    expect(await refused({ text: csv(Array.from({ length: 201 }, (_, n) => `c${n}`).join(',')) })).toContain(
      '200 columns',
    )
  })

  test('of fifteen thousand lines with names of their own is told in five hundred rows that come to the whole', async () => {
    const lines = Array.from({ length: 15_000 }, (_, n) => `2026-03-02,model ${n} x,k${n},0.01`)
    const { differences, invoice_usd, difference_usd } = await compared(
      'openai',
      csv('date,model,key,amount', ...lines),
    )
    expect(differences).toHaveLength(500)
    expect(differences.at(-1)).toMatchObject({ model: '*', key: '*' })
    const nano = (usd: string) => BigInt(usd.replace('.', ''))
    expect(differences.reduce((sum, row) => sum + nano(row.difference_usd), 0n)).toBe(nano(difference_usd))
    expect(invoice_usd).toBe('150.000000000')
  })

  test('of a hundred thousand lines, a month of many keys as OpenAI exports it, is read whole', async () => {
    const head =
      'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,project_name,organization_name,user_email,api_source'
    const day = '1772323200,1772409600,2026-03-01T00:00:00+00:00,2026-03-02T00:00:00+00:00'
    const lines = Array.from(
      { length: 100_000 },
      (_, n) =>
        `${day},0.010000000000000000000000000000,usd,1000,tokens,"gpt-4o, input",,key_${n % 200},p,o,Main,Acme,,`,
    )
    const answer = await finance(usage.importInvoice, {
      month: MONTH,
      provider: 'openai',
      content: csv(head, ...lines),
      dry_run: true,
    })
    expect(answer).toMatchObject({ rows: 100_000, invoice_usd: '1000.000000000', problems: [] })
  })

  test('needs the permission to bill, and sight of all of the organisation', async () => {
    const asked = { month: MONTH, provider: 'openai', content }
    const viewer = await organization.as(['spend:read'])
    const member = await organization.as(['spend:read', 'org:billing'], { teamId: 'team_a' })
    await expect(viewer(usage.importInvoice, asked)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(member(usage.importInvoice, asked)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(member(usage.invoices, {})).rejects.toMatchObject({ code: 'forbidden' })
  })
})
