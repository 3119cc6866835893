/** A sentence in which what stands between backticks is code. */
export const RichWords = ({ text }: { text: string }) =>
  [...text.matchAll(/`([^`]+)`|[^`]+/g)].map(({ 0: part, 1: code, index }) =>
    code === undefined ? (
      <span key={index}>{part}</span>
    ) : (
      <code key={index} className="break-words font-mono text-xs">
        {code}
      </code>
    ),
  )
