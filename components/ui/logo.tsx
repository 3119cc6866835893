/** The mark: a gate with one way through. Decorative; the name stands beside it. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 20 20" aria-hidden className={className} fill="none">
      <rect width="20" height="20" rx="5" fill="var(--accent)" />
      <path
        d="M6 5v10M6 10h3.2M14 5l-4.8 5L14 15"
        stroke="var(--accent-fg)"
        strokeWidth="1.8"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  )
}
