/** What differs between the kinds of components that `telegen create` makes. */
export interface Template {
  /** One sentence: what the component does until its author makes something else of it. */
  readonly summary: string
  /** The component. */
  readonly index: string
  /** Its test. */
  readonly test: string
  /** A configuration that runs it. */
  readonly config: string
}

/** The component's type, and its name where JavaScript wants one: `door_bell`, `doorBellReceiver`. */
export interface Names {
  readonly type: string
  readonly variable: string
}
