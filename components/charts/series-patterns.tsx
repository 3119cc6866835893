export const SERIES_MAX = 6

/** Of those beyond the shown ones, all together. */
const REST_FILL = 'var(--series-rest)'

const colorOf = (at: number) => (at < SERIES_MAX ? `var(--series-${at + 1})` : REST_FILL)

/** What the bars of the n-th group are filled with: a colour, and a pattern that says the same without colour. */
export const seriesFill = (at: number) => (at === 0 || at >= SERIES_MAX ? colorOf(at) : `url(#series-${at + 1})`)

/**
 * The second group rises, the third is crossed, the fourth dotted, the fifth falls, the sixth lies. Once on a page, for its
 * chart and its swatches.
 */
export function SeriesPatterns() {
  return (
    <svg aria-hidden="true" className="absolute size-0">
      <defs>
        {MARKS.map(({ at, mark }) => (
          <pattern key={at} id={`series-${at + 1}`} width="6" height="6" patternUnits="userSpaceOnUse">
            <rect width="6" height="6" fill={colorOf(at)} />
            {mark}
          </pattern>
        ))}
      </defs>
    </svg>
  )
}

const stroke = { stroke: 'var(--surface)', strokeWidth: 1.1 }
const MARKS = [
  { at: 1, mark: <path d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2" {...stroke} /> },
  { at: 2, mark: <path d="M0,0 l6,6 M6,0 l-6,6" {...stroke} /> },
  { at: 3, mark: <circle cx="3" cy="3" r="1.3" fill="var(--surface)" /> },
  { at: 4, mark: <path d="M-1,5 l2,2 M0,0 l6,6 M5,-1 l2,2" {...stroke} /> },
  { at: 5, mark: <path d="M0,3 h6" {...stroke} /> },
]

/** The swatch of a group beside its name. */
export function SeriesSwatch({ at }: { at: number }) {
  return (
    <svg aria-hidden="true" viewBox="0 0 10 10" className="size-2.5 shrink-0">
      <rect width="10" height="10" rx="2" fill={seriesFill(at)} />
    </svg>
  )
}
