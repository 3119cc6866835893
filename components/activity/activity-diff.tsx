import { ScrollRegion } from '@/components/ui/scroll-region'
import type { Activity } from '@/lib/contract/activity'

/** What changed, field by field: the old value struck out, the new one beside it. */
export function ActivityDiff({ before, after }: Pick<Activity, 'before' | 'after'>) {
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  if (fields.length === 0) return <p className="text-fg-muted text-sm">No field of the target was changed.</p>
  return (
    <ScrollRegion aria-label="Changed fields">
      <table className="w-full border-separate border-spacing-0 text-sm">
        <thead>
          <tr>
            {['Field', 'Before', 'After'].map((word) => (
              <th
                key={word}
                scope="col"
                className="border-b bg-sunken px-3 py-1.5 text-left font-medium text-fg-muted text-xs"
              >
                {word}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={field} className="align-top">
              <th scope="row" className="border-b px-3 py-1.5 text-left font-mono font-normal text-xs">
                {field}
              </th>
              <td className="border-b px-3 py-1.5">
                <Value of={before} field={field} look="bg-block-soft text-block-text" mark="del" />
              </td>
              <td className="border-b px-3 py-1.5">
                <Value of={after} field={field} look="bg-allow-soft text-allow-text" mark="ins" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}

type ValueProps = { of: Activity['before']; field: string; look: string; mark: 'del' | 'ins' }

function Value({ of, field, look, mark: Mark }: ValueProps) {
  if (!of || !Object.hasOwn(of, field)) return <span className="text-fg-muted text-xs">not set</span>
  const value = of[field]
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 1)
  return (
    <Mark className={`whitespace-pre-wrap break-all rounded-md px-1 font-mono text-xs no-underline ${look}`}>
      {text}
    </Mark>
  )
}
