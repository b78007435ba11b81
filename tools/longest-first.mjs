// Long tests first: one that is begun last leaves the other worker idle. jest itself goes by what it measured last
// time, and on a new machine by the size of files, of which the longest are the smallest.
import TestSequencer from '@jest/test-sequencer'

const Sequencer = TestSequencer.default ?? TestSequencer

/** Each takes tens of seconds: real servers, killed and started. */
const LONG = [/conformance\.test/, /tests\/chaos\//, /e2e\/apart\.test/, /libs\/channels\//, /kafka/, /tests\/e2e\//]

const rankOf = ({ path }) => {
  const found = LONG.findIndex((each) => each.test(path))
  return found === -1 ? LONG.length : found
}

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests)
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b))
  }
}
