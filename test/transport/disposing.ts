interface Test {
  after(run: () => unknown): void
}

type Disposed = Partial<AsyncDisposable & Disposable>

/** Disposes of `thing` when the test ends: what `using` does, which Node 22 does not know. */
export function disposing<T extends Disposed>(test: Test, thing: T): T {
  test.after(() => (thing[Symbol.asyncDispose] ? thing[Symbol.asyncDispose]?.() : thing[Symbol.dispose]?.()))
  return thing
}
