import type { Signal } from '../signal.ts'
import { viewOf } from '../views/view-of.ts'
import { Arena } from '../wire/arena.ts'
import type { Interest } from '../wire/interest.ts'
import { testOf } from './condition.ts'
import { Constants } from './constants.ts'
import { actOf } from './edit.ts'
import type { Outside } from './edit.ts'
import { Givens } from './given.ts'
import { dropsFirst } from './drops-first.ts'
import { editsOf, effectsOf, fuse, type Numbered } from './fuse.ts'
import { attributeThatDrops, interestOf } from './interest-of.ts'
import { encloses, hasLevel } from './levels.ts'
import { all, plant, type Act, type Node } from './node.ts'
import type { Program } from './program.ts'
import { sampled } from './sampler.ts'
import { simplified } from './simplified.ts'
import { StepFailed } from './step-failed.ts'
import { DROP, type Hook, type Step } from './step.ts'
import { Visit } from './visit.ts'

/**
 * Makes steps ready to run over batches of `signal`. The result is that of running each of them alone over the whole
 * batch, one after another, though as many as possible share one visit. Steps on levels that the signal does not have
 * do nothing.
 *
 * Throws where a step can never be done: a field that its level does not have, a value that a field cannot hold.
 */
export function compile(signal: Signal, steps: readonly Step[]): Program {
  const numbered = steps
    .map((step, index) => ({ step: plainly(step), index }))
    .filter(({ step }) => hasLevel(signal, step.on))
  const arena = new Arena()
  const constants = new Constants()
  const ends: (() => void)[] = []
  const givens = new Givens()
  const droppedBy = new Float64Array(steps.length)
  const visits = fuse(numbered).map((chain) => visitOf(signal, chain, arena, { constants, givens, ends, droppedBy }))
  const wishes = visits[0]?.wishes ?? []
  return { signal, visits, wishes, droppedBy, arena, constants: constants.bytes(), givens: givens.all(), ends }
}

/** Components say the same in many ways, of which few are recognised further on. */
const plainly = (step: Step): Step => (step.when === undefined ? step : { ...step, when: simplified(step.when) })

/** What acts leave to the program beside themselves. */
interface Left extends Outside {
  readonly ends: (() => void)[]
  readonly droppedBy: Float64Array
}

function visitOf(signal: Signal, chain: readonly Numbered[], arena: Arena, left: Left): Visit {
  const root = plant(signal, arena)
  const nodes = [...all(root)]
  const effects = chain.map(({ step }) => effectsOf(step))
  for (const node of nodes) {
    const { level } = node
    if (level === undefined) continue
    const own = dropsFirst(chain.filter(({ step }) => step.on === level))
    for (const { step, index } of own) {
      for (const act of actsOf(step, index, node, left)) {
        node.acts.push(act)
        node.steps.push(index)
      }
    }
    node.readsRecord = effects.some(({ reads, changes }) => reads.has(level) || changes.has(level))
    node.readsPart = node.part !== undefined && node.readsRecord
    node.writtenInside =
      node.part === undefined && effects.some((effect) => effect.writes.has(level) && encloses(level, effect.level))
  }
  root.settle()
  for (const node of nodes) node.interest = interestIn(node, chain)
  return new Visit(root, arena, left.droppedBy)
}

/** Only for records in which nothing more is visited, and which hold their attributes themselves. */
function interestIn(node: Node, chain: readonly Numbered[]): Interest | undefined {
  if (node.level === undefined || node.part !== undefined || node.hasVisited || node.attributeIndices !== 0)
    return undefined
  const interest = interestOf(
    chain.map(({ step }) => step),
    node.subject,
  )
  const first = chain.find(({ index }) => index === node.steps[0])
  if (interest !== undefined && first !== undefined) interest.dropsIf = attributeThatDrops(first.step)
  return interest
}

function actsOf({ on, when, act }: Step, index: number, node: Node, left: Left): readonly Act[] {
  const { scope } = node
  const acts =
    typeof act === 'function'
      ? [hooked(act, node, index)]
      : editsOf(act).map((edit) =>
          edit.kind === 'sample' ? sampled(edit.sampling, on, scope, left.ends) : actOf(edit, on, scope, left),
        )
  if (when === undefined) return acts
  const test = testOf(when, on, scope)
  const [only] = acts
  if (acts.length === 1 && only !== undefined) return [() => test() && only()]
  return [() => test() && acts.some((each) => each())]
}

/** Records around and inside the one that a hook is called for can be looked at there, not changed. */
function hooked(hook: Hook, node: Node, index: number): Act {
  const view = viewOf(node)
  const outer = Object.values(node.scope).filter(({ level }) => level !== node.level)
  const inner = node.inner.flatMap((each) => [...all(each)])
  const others = [...outer, ...inner].map(({ message }) => message)
  const seal = (sealed: boolean) => {
    for (let at = 0; at < others.length; at++) others[at]!.sealed = sealed
  }
  return () => {
    seal(true)
    try {
      const answer: unknown = hook(view)
      if (answer instanceof Promise) throw new TypeError('a hook must not be async: its record is gone when it goes on')
      return answer === DROP
    } catch (error) {
      throw new StepFailed(index, error)
    } finally {
      seal(false)
    }
  }
}
