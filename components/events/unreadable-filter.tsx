import { Button } from '@/components/ui/button'
import { EmptyState } from '@/components/ui/empty-state'

/** Stands for the rows while the text is no filter; what is wrong with it stands beside the text. */
export const UnreadableFilter = ({ problem, onClear }: { problem: Error; onClear: () => void }) => (
  <EmptyState title="This filter cannot be read" action={<Button onClick={onClear}>Clear filter</Button>}>
    {problem.message} Nothing is shown until it can.
  </EmptyState>
)
