import { CONTRACT } from '@/lib/contract/all'

/** Where things are on the page. */
export function ReferenceNav() {
  return (
    <nav aria-label="Reference" className="flex flex-col gap-4 text-sm">
      <ul className="flex flex-col gap-px">
        <NavLink href="#conventions">Conventions</NavLink>
        <NavLink href="#errors">Errors</NavLink>
      </ul>
      {Object.entries(CONTRACT).map(([resource, endpoints]) => (
        <div key={resource}>
          <a href={`#${resource}`} className="rounded-md px-2 font-medium underline-offset-4 hover:underline">
            {resource}
          </a>
          <ul className="mt-1 flex flex-col gap-px">
            {Object.values(endpoints).map(({ name, method }) => (
              <NavLink key={name} href={`#${name}`}>
                <span className="w-11 shrink-0 font-mono text-xs">{method}</span>
                <span className="min-w-0 break-words">{name.slice(name.indexOf('.') + 1)}</span>
              </NavLink>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}

const NavLink = ({ href, children }: { href: string; children: React.ReactNode }) => (
  <li>
    <a
      href={href}
      className="flex items-baseline gap-2 rounded-md px-2 py-1 text-fg-muted hover:bg-hover hover:text-fg"
    >
      {children}
    </a>
  </li>
)
