import { PageHeader } from '@/components/ui/page-header'
import { SessionsTable } from './sessions-table'

export function SessionsPage() {
  return (
    <>
      <PageHeader
        title="Your sessions"
        description="Where you are signed in now. An ended session is refused at its next request."
      />
      <SessionsTable />
    </>
  )
}
