'use client'

import { parseAsString, useQueryState } from 'nuqs'

/** The row whose sheet is open, as `?open=<id>`: the same name on every page, so that links can be made anywhere. */
export const useOpenRow = () => useQueryState('open', parseAsString.withOptions({ history: 'push' }))
