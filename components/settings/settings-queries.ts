import { queryOptions } from '@tanstack/react-query'
import { organization } from '@/lib/contract/organization'
import { settings } from '@/lib/contract/settings'
import { api } from '../api'

export const settingsQueries = {
  security: () =>
    queryOptions({
      queryKey: ['settings', 'security'],
      queryFn: ({ signal }) => api(settings.getSecurity, {}, { signal }),
    }),

  organization: () =>
    queryOptions({
      queryKey: ['organization'],
      queryFn: ({ signal }) => api(organization.get, {}, { signal }),
    }),
}
