import { describe, expect, test } from 'vitest'
import type { Caller } from '../engine/subject'
import { subjectOf } from '../engine/testing'
import { RBAC } from './rbac'
import { decideRequest, problemsOf } from './testing'

const caller = (headers: Record<string, string>, identity: Caller['identity'] = 'verified') => ({
  caller: { ...subjectOf([]).caller, identity, headers },
})
const toolNamed = (name: string) => ({ name, description: null, schema: {} })
const callNamed = (name: string) => ({ id: null, name, arguments: '{}', parsed: {}, path: [] })

describe('rbac', () => {
  test('needs every header of the list, with something in it', () => {
    const settings = { deny_if_missing: ['X-User-ID', 'X-Team'] }
    const verdict = (headers: Record<string, string>) =>
      decideRequest(RBAC, settings, ['hi'], caller(headers)).reasonCode
    expect(verdict({ 'x-user-id': 'ada', 'x-team': 'a' })).toBe('ok')
    expect(verdict({ 'x-user-id': 'ada' })).toBe('rbac.header_missing')
    expect(verdict({ 'x-user-id': 'ada', 'x-team': '  ' })).toBe('rbac.header_missing')
    expect(decideRequest(RBAC, { deny_if_missing: ['constructor'] }, ['hi']).reasonCode).toBe('rbac.header_missing')
  })

  test('lets only verified callers in when it requires authentication', () => {
    const reason = (identity: Caller['identity']) =>
      decideRequest(RBAC, { require_auth: true }, ['hi'], caller({}, identity)).reasonCode
    expect([reason('verified'), reason('asserted'), reason('anonymous')]).toEqual([
      'ok',
      'rbac.unauthenticated',
      'rbac.unauthenticated',
    ])
  })

  const roles = {
    roles: { analyst: { allowed_tools: ['read_*', 'search'], denied_tools: ['read_salaries'] }, admin: {} },
  }

  test.each([
    ['analyst', 'read_report', 'ok'],
    ['analyst', 'search', 'ok'],
    ['analyst', 'search_all', 'rbac.tool_denied'],
    ['analyst', 'read_salaries', 'rbac.tool_denied'],
    ['admin', 'anything', 'ok'],
    ['intern', 'search', 'rbac.role_unknown'],
    ['constructor', 'search', 'rbac.role_unknown'],
    ['', 'search', 'rbac.role_missing'],
  ])('decides for the role "%s" and the tool %s: %s', (role, tool, reason) => {
    const who = caller({ 'x-user-role': role })
    expect(decideRequest(RBAC, roles, ['hi'], { ...who, tools: [toolNamed(tool)] }).reasonCode).toBe(reason)
    const called = { ...who, phase: 'tool' as const, toolCalls: [callNamed(tool)] }
    expect(decideRequest(RBAC, roles, ['hi'], called).reasonCode).toBe(reason)
  })

  const access = { data_access: { clerk: { max_sensitivity: 'internal' } } }
  const asClerk = (text: string, sensitivity?: string) =>
    decideRequest(
      RBAC,
      access,
      [text],
      caller({ 'x-user-role': 'clerk', ...(sensitivity && { 'x-data-sensitivity': sensitivity }) }),
    ).reasonCode

  test('limits data by what the application says and by markings, whichever is higher', () => {
    expect(asClerk('hello')).toBe('ok')
    expect(asClerk('hello', 'internal')).toBe('ok')
    expect(asClerk('hello', 'Confidential')).toBe('rbac.sensitivity_exceeded')
    expect(asClerk('hello', 'secretish')).toBe('rbac.sensitivity_unknown')
    expect(asClerk('** CONFIDENTIAL **\nPlans', 'public')).toBe('rbac.sensitivity_exceeded')
    expect(asClerk('Classification: restricted. Plans')).toBe('rbac.sensitivity_exceeded')
    expect(asClerk('Is this confidential, or restricted?')).toBe('ok')
  })

  test('keeps health data from roles that do not need it', () => {
    const settings = { minimum_necessary: { enabled: true, allowed_phi_roles: ['nurse'] } }
    const reason = (role: string, text: string) =>
      decideRequest(RBAC, settings, [text], caller({ 'x-user-role': role })).reasonCode
    expect(reason('nurse', 'MRN: 12345678')).toBe('ok')
    expect(reason('clerk', 'MRN: 12345678')).toBe('rbac.phi_denied')
    expect(reason('clerk', 'The patient was diagnosed last week')).toBe('rbac.phi_denied')
    expect(reason('clerk', 'The patience of the team')).toBe('ok')
  })

  test('refuses settings it cannot use', () => {
    expect(problemsOf(RBAC, { data_access: { clerk: { max_sensitivity: 'top' } } })).toHaveLength(1)
    expect(problemsOf(RBAC, { deny_if_missing: ['bad header'] })).toHaveLength(1)
    expect(problemsOf(RBAC, { rolez: {} })).toHaveLength(1)
  })
})
