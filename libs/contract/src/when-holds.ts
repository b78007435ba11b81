export type Changed = (listener: () => void) => Disposable

/** Calls back when one of the two does. */
export function either(one: Changed, other: Changed): Changed {
  return (listener) => {
    const both = [one(listener), other(listener)]
    return { [Symbol.dispose]: () => both.forEach((each) => void each[Symbol.dispose]()) }
  }
}

/** Resolves true once `holds()`, asked now and after each change; false when `signal` aborts first. */
export function whenHolds(holds: () => boolean, changed: Changed, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (value: boolean) => {
      listening[Symbol.dispose]()
      signal?.removeEventListener('abort', abort)
      resolve(value)
    }
    const check = () => {
      if (holds()) end(true)
    }
    const abort = () => end(false)
    const listening = changed(check)
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
    else check()
  })
}
