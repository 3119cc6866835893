'use client'

import { ArrowDownToLine, HandCoins, Undo2 } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { Button } from '@/components/ui/button'
import { useEver } from '@/components/ui/use-ever'
import { useIsUnfunded } from './use-is-unfunded'

const MoveDialog = dynamic(() => import('./move-dialog').then((it) => it.MoveDialog), { ssr: false })

const MOVES = ['credit', 'allocate', 'reclaim'] as const

/** What moves money. Which dialog is open stands in the URL, so that a link can ask for it. */
export function WalletButtons() {
  const [move, setMove] = useQueryState('move', parseAsStringLiteral(MOVES))
  const hasMoved = useEver(move !== null)
  const isUnfunded = useIsUnfunded()
  return (
    <>
      <Button variant={isUnfunded ? 'primary' : 'outline'} onClick={() => void setMove('credit')}>
        <ArrowDownToLine /> Credit
      </Button>
      <Button onClick={() => void setMove('reclaim')}>
        <Undo2 /> Reclaim
      </Button>
      <Button variant={isUnfunded ? 'outline' : 'primary'} onClick={() => void setMove('allocate')}>
        <HandCoins /> Allocate
      </Button>
      {hasMoved && move && <MoveDialog key={move} kind={move} onClose={() => void setMove(null)} />}
    </>
  )
}
