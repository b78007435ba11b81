import type { SourceRole } from '../../interest.ts'
import type { ContractStore } from '../../store.ts'
import type { SourceLine, SourceListener } from '../line.ts'
import type { SourceOffice } from './source-office.ts'

/** The server by function calls, for the role in the same process; what it watches of the store counts as acknowledged. */
export function inProcessLine(deps: {
  readonly office: SourceOffice
  readonly store: Pick<ContractStore, 'acknowledgements' | 'changed'>
  readonly role: SourceRole
  /** Where one process has several, as in tests. */
  readonly replica?: string
}): SourceLine {
  const { office, store, role, replica = role } = deps
  const instance = `${replica} of this process`

  return {
    enlist: async (held) => office.enlist(instance, held),
    resign: async () => office.resign(instance),
    released: async (uid, term) => office.released(instance, uid, term),
    ask: (question) => office.ask(instance, question),
    listen(listener: SourceListener) {
      let isClosed = false
      let isTelling = false
      const notify = () => {
        if (isTelling) return
        isTelling = true
        queueMicrotask(() => {
          isTelling = false
          const news = isClosed ? undefined : office.news(instance)
          if (news !== undefined) listener.news(news)
        })
      }
      office.join({ role, replica, instance }, notify)
      const look = () => {
        const revision = store.acknowledgements().get(role)
        if (revision !== undefined) office.acknowledged(instance, revision)
      }
      const following = store.changed(look)
      look()
      notify()
      queueMicrotask(() => listener.connected())
      return {
        [Symbol.dispose]() {
          isClosed = true
          following[Symbol.dispose]()
          office.leave(instance, 'left')
        },
      }
    },
  }
}
