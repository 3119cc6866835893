type Loading = { state: { data: unknown } }

/**
 * A `refetchInterval` for what has been loaded once. A first load that failed stays an error until somebody tries again:
 * each new attempt without data would turn the error back into a skeleton.
 */
export const refreshEvery =
  (ms: number) =>
  ({ state }: Loading): number | false =>
    state.data === undefined ? false : ms
