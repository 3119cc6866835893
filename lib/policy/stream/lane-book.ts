import type { JsonPath } from '@/lib/policy/engine/subject'
import { type Slot, TextLane, ToolLane } from './lane'
import { UnreadableFrame } from './unreadable-frame'

/** A lane costs more than its text. */
const LANE_BYTES = 256
const LANES_MAX = 10_000

/** The texts and tool calls of one answer. */
export class LaneBook {
  /** Lanes with text that waits for a decision. */
  readonly due = new Set<TextLane>()
  /** More lanes than an answer can have. */
  isFull = false

  readonly #keepsWhole: boolean
  readonly #texts = new Map<string, TextLane>()
  readonly #tools = new Map<string, ToolLane>()
  /** Ended texts, for frames that repeat them. */
  readonly #ended = new Map<string, TextLane>()
  readonly #openByGroup = new Map<string, Set<TextLane | ToolLane>>()
  /** Groups of which a beginning was announced, and no end has come since. */
  readonly #begun = new Set<string>()
  #opened = 0
  #endedLength = 0

  constructor(keepsWhole: boolean) {
    this.#keepsWhole = keepsWhole
  }

  get heldBytes(): number {
    let sum = this.#endedLength + this.#opened * LANE_BYTES
    for (const group of this.#openByGroup.values()) for (const lane of group) sum += lane.heldLength
    return sum
  }

  /**
   * The text under this key; a new one when the last has ended, because what was shown of that is final.
   *
   * @param isPiece clients join what comes under the key
   * @throws UnreadableFrame for a piece of a text that has ended
   */
  text(key: string, group: string, path: JsonPath, message: number, isPiece = false): TextLane {
    const known = this.#texts.get(key)
    if (known !== undefined && !known.isFinal) return known
    if (known !== undefined && isPiece && !this.#begun.has(group)) {
      throw new UnreadableFrame('a text goes on after its end')
    }
    const lane = new TextLane(group, path, message, this.#keepsWhole)
    this.#texts.set(key, lane)
    this.#open(lane)
    return lane
  }

  /** The call under this key; a new one when `id` says that it is another. */
  tool(key: string, group: string, path: JsonPath, id: string | null): ToolLane {
    const known = this.#tools.get(key)
    const isSame = known !== undefined && (id === null || id === '' || known.id === null || known.id === id)
    const lane = isSame ? known : new ToolLane(group, path)
    if (id !== null && id !== '') lane.id = id
    if (isSame) return lane
    this.#tools.set(key, lane)
    this.#open(lane)
    return lane
  }

  /** A call that is there at once: no other frame says more of it. */
  wholeCall(path: JsonPath, id: string | null): ToolLane {
    const lane = new ToolLane(`call ${this.#opened}`, path)
    lane.id = id
    lane.isFinal = true
    this.#tools.set(lane.group, lane)
    this.#open(lane)
    return lane
  }

  findTool(key: string): ToolLane | null {
    return this.#tools.get(key) ?? null
  }

  /** The lane of which this is the whole text: the one under the key, or any that has ended with it. */
  findWhole(key: string, text: string): TextLane | null {
    const known = this.#texts.get(key)
    if (known !== undefined && known.whole() === text) return known
    return this.#ended.get(text) ?? null
  }

  /**
   * A text that a frame holds as a whole, such as a citation. Providers repeat these in every frame; each is decided once.
   */
  whole(text: string, path: JsonPath, write: (text: string) => void): Slot {
    const known = this.#ended.get(text)
    if (known !== undefined) return { lane: known, start: 0, text, isRepeat: true, write }
    const lane = new TextLane('whole', path, -1, true, 'label')
    this.#open(lane)
    const start = this.append(lane, text)
    this.endText(lane)
    return { lane, start, text, isRepeat: false, write }
  }

  append(lane: TextLane, text: string): number {
    this.due.add(lane)
    return lane.append(text)
  }

  /** What comes under its keys is something new, also where some provider numbers all its blocks alike. */
  begin(group: string): void {
    this.#begun.add(group)
  }

  /** No more text comes for it. */
  endText(lane: TextLane): void {
    if (lane.isFinal) return
    lane.isFinal = true
    this.#begun.delete(lane.group)
    this.#openByGroup.get(lane.group)?.delete(lane)
    if (lane.keepsWhole) this.#ended.set(lane.whole(), lane)
    this.#endedLength += lane.heldLength
    if (!lane.isSettled) this.due.add(lane)
  }

  endGroup(group: string): void {
    this.#begun.delete(group)
    for (const lane of this.#openByGroup.get(group) ?? []) {
      if (lane instanceof TextLane) this.endText(lane)
      else lane.isFinal = true
    }
  }

  endAll(): void {
    for (const group of this.#openByGroup.keys()) this.endGroup(group)
  }

  /** Calls that are complete and not decided, in the order in which they began. */
  completeCalls(): ToolLane[] {
    if (this.#tools.size === 0) return []
    const lanes = [...this.#openByGroup.values()].flatMap((group) => [...group])
    return lanes
      .filter((lane) => lane instanceof ToolLane)
      .filter((lane) => lane.isFinal && !lane.isDecided && !lane.isAsked)
  }

  #open(lane: TextLane | ToolLane): void {
    this.#opened += 1
    if (this.#opened > LANES_MAX) this.isFull = true
    const group = this.#openByGroup.get(lane.group)
    if (group === undefined) this.#openByGroup.set(lane.group, new Set([lane]))
    else group.add(lane)
  }
}
