import { setTimeout as delay } from 'node:timers/promises'
import { exports } from '../../lib/contract/exports'
import { Answers } from './answers'
import { Random } from './random'
import { fill, makeRoom } from './small-disk'
import { patiently } from './trail-check'
import { World } from './world'

const FULL_MS = 12_000
const CLUSTER_MIB = 320
const OBJECTS_MIB = 64

/** The file system of the database has no room for a while. */
export async function fullDatabase(seed: number): Promise<string> {
  const world = await World.open({ clusterMiB: CLUSTER_MIB })
  const answers = new Answers()
  const wrong: string[] = []
  try {
    const since = new Date(Date.now() - 60_000)
    const { installation, senders } = world
    const url = `http://127.0.0.1:${installation.ports[0]}`
    const owner = installation.ownerToken
    const made = senders.map((sender, at) => sender.make(new Random(seed + at), 2_000, FULL_MS))
    await delay(500)
    fill(installation.clusterHome)
    const supervisor = supervised(world)
    const fullAt = performance.now()
    let refusals = 0
    while (performance.now() - fullAt < FULL_MS) {
      const statuses = [
        await answers.ask('POST', `${url}/v1/trail/digests`, owner, {}),
        await answers.ask('POST', `${url}/v1/exports`, owner, { time_window: '1h' }),
        await answers.ask('POST', `${url}/v1/tokens`, owner, { name: `Key ${refusals}`, token_type: 'gateway' }),
        await answers.ask('GET', `${url}/v1/trail`, owner),
      ]
      refusals += statuses.filter((status) => status === 503).length
      await delay(200)
    }
    const waiting = senders.reduce((sum, { depth }) => sum + depth, 0)
    const trouble = senders[0]?.trouble
    makeRoom(installation.clusterHome)
    const roomAt = performance.now()
    await Promise.all(made)
    if (!(await world.drained())) wrong.push(`not delivered: ${senders[0]?.trouble}`)
    const drainedMs = performance.now() - roomAt
    const restarts = await supervisor.stop()
    if (refusals === 0) wrong.push('nothing was refused: the disk was not full')
    wrong.push(...answers.wrong, ...(await world.look(since)))
    for (const plane of installation.planes) wrong.push(...plane.unasked)
    return section('The disk of the database full', wrong, [
      `Full for ${FULL_MS / 1_000} s: ${waiting} events waited on the gateways’ disks, whose delivery said: “${trouble}” PostgreSQL ended ${restarts} times and was started again, as npm start does. All were acknowledged ${(drainedMs / 1_000).toFixed(1)} s after there was room.`,
      '',
      ...answers.lines,
    ])
  } finally {
    await world.close()
  }
}

/** The file system of the object store has no room for a while, and then too little for an export. */
export async function fullObjectStore(seed: number): Promise<string> {
  const world = await World.open({ objectsMiB: OBJECTS_MIB, preloaded: 6_000 })
  const wrong: string[] = []
  const said = new Set<string>()
  try {
    const since = new Date(Date.now() - 60_000)
    const { installation, senders } = world
    const client = installation.client()
    const [capturing, other] = senders
    const random = new Random(seed)
    for (const leavingBytes of [0, 3_000_000]) {
      fill(installation.objectsDirectory, leavingBytes)
      const { id } = await client(exports.create, { format: 'json_lines', time_window: { since: since.toISOString() } })
      await Promise.all(senders.map((sender) => sender.make(random.fork(), 300, 2_000)))
      if (!(await world.drained(10_000))) wrong.push('events without content wait for the object store')
      if (!(await world.trail.sign())) wrong.push('no digest was signed without room for objects')
      for (const until = performance.now() + 4_000; performance.now() < until; await delay(100)) {
        const { state, error } = await client(exports.get, { id })
        said.add(`export ${state}${error ? `: “${error}”` : ''}`)
        if (state === 'completed') wrong.push('an export was completed without room')
      }
      if (leavingBytes === 0) {
        // Kept by the gateway until both have a place, and everything behind it in the same spool.
        await capturing?.makeWithContent(random, 200_000)
        await Promise.all(senders.map((sender) => sender.make(random.fork(), 50, 0)))
        if (!(await other?.drained(10_000))) wrong.push('events of another gateway wait as well')
        await delay(1_500)
        if (capturing?.depth === 0) wrong.push('an event with content was acknowledged without room')
        said.add(`a gateway with content: “${capturing?.trouble}”`)
      }
      makeRoom(installation.objectsDirectory)
      const roomAt = performance.now()
      let state = ''
      while (state !== 'completed' && performance.now() - roomAt < 60_000) {
        const now = await patiently(() => client(exports.get, { id }))
        state = now.state
        if (state === 'failed') break
        await delay(100)
      }
      if (state !== 'completed') wrong.push(`60 s after there was room the export is ${state}`)
      said.add(`export ${state} ${Math.round((performance.now() - roomAt) / 1_000)} s after there was room`)
    }
    if (![...said].some((what) => what.includes('no space left. Trying again')))
      wrong.push('no export said why it waits')
    const [kept] = await installation.sql<{ kept: number }>(
      'select count(*)::int as kept from payloads where object_key is not null',
    )
    if (kept?.kept !== 1) wrong.push(`the content of ${kept?.kept} events is kept, of 1`)
    wrong.push(...(await world.look(since)), ...(await world.trail.lookAtArchive()))
    return section('The disk of the object store full', wrong, [
      'Events without content and digests went on. What was said, once without any room and once with too little for an export:',
      '',
      ...[...said].map((what) => `- ${what}`),
    ])
  } finally {
    await world.close()
  }
}

/** Starts the database again when it ends, as the supervisor of `npm start` does, after a pause. */
function supervised({ installation: { database } }: World) {
  let isOver = false
  let restarts = 0
  const watching = (async () => {
    while (!isOver) {
      if (!database.isRunning) {
        restarts += 1
        await delay(250)
        await database.start()
      }
      await delay(50)
    }
  })()
  return {
    stop: async () => {
      isOver = true
      await watching
      database.unasked.splice(0)
      return restarts
    },
  }
}

const section = (title: string, wrong: string[], lines: string[]) =>
  [
    `## ${title}`,
    '',
    ...lines,
    '',
    wrong.length === 0 ? 'No failure.' : wrong.map((what) => `- FAILED: ${what}`).join('\n'),
  ].join('\n')
