/** One thing that `kt doctor` looked at. */
export type Check = { name: string; status: 'ok' | 'warn' | 'fail'; detail: string; next_step: string | null }

export const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail, next_step: null })
export const warn = (name: string, detail: string, next_step: string): Check => ({
  name,
  status: 'warn',
  detail,
  next_step,
})
export const fail = (name: string, detail: string, next_step: string): Check => ({
  name,
  status: 'fail',
  detail,
  next_step,
})
